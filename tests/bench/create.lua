-- wrk: invites a new person with each request, into the accounts in turn. BENCH_ACCOUNTS names a file with a line for
-- each account: token id, account, two groups. Prints the results as one line of JSON.
local accounts = {}
for line in io.lines(os.getenv('BENCH_ACCOUNTS')) do
  local token, account, first, second = line:match('(%S+) (%S+) (%S+) (%S+)')
  accounts[#accounts + 1] = {
    headers = {['Authorization'] = 'Bearer idt:' .. token .. ':' .. string.rep('s', 43),
      ['Content-Type'] = 'application/json'},
    rest = '@new.example", "firstName": "Ada", "lastName": "Lovelace", '
      .. '"phone": {"prefix": "+44", "number": "2071234567"}, '
      .. '"settings": {"cultureCode": "en-GB", "languageCode": "en"}}, "account": {"id": "' .. account .. '"}, '
      .. '"groups": [{"id": "' .. first .. '"}, {"id": "' .. second .. '"}], "invitation": {"status": "Invited"}}'}
end
local run = os.getenv('BENCH_RUN')
local count = 0

function request()
  count = count + 1
  local account = accounts[1 + count * 7 % #accounts]
  return wrk.format('POST', '/public/v1/accounts/account-users', account.headers,
    '{"user": {"email": "' .. run .. '.' .. count .. account.rest)
end

dofile(os.getenv('BENCH_DIR') .. '/report.lua')
