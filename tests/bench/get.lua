-- wrk: requests the paths of the file BENCH_PATHS in turn, with the token BENCH_TOKEN.
local paths = {}
for line in io.lines(os.getenv('BENCH_PATHS')) do
  paths[#paths + 1] = line
end
local headers = {['Authorization'] = 'Bearer idt:' .. os.getenv('BENCH_TOKEN') .. ':' .. string.rep('s', 43)}
local count = 0

function request()
  count = count + 1
  return wrk.format('GET', paths[1 + count * 7 % #paths], headers)
end

dofile(os.getenv('BENCH_DIR') .. '/report.lua')
