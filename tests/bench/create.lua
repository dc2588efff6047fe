-- wrk: invites a person with each request, into the accounts in turn. BENCH_ACCOUNTS names a file with a line for each
-- account: token id, account, two groups. BENCH_DATA=world: names in ten scripts, domains with hyphens, capitals and
-- subdomains, plus tags, a third without phone, a third without settings, no group to two, a tenth of the people invited
-- before, and a hundredth of the requests refused; the same in every run. Prints the results as one line of JSON.
local world = os.getenv('BENCH_DATA') == 'world'
local accounts = {}
for line in io.lines(os.getenv('BENCH_ACCOUNTS')) do
  local token, account, first, second = line:match('(%S+) (%S+) (%S+) (%S+)')
  accounts[#accounts + 1] = {
    headers = {['Authorization'] = 'Bearer idt:' .. token .. ':' .. string.rep('s', 43),
      ['Content-Type'] = 'application/json'},
    rest = ', "account": {"id": "' .. account .. '"}',
    groups = {
      [0] = '',
      ', "groups": [{"id": "' .. first .. '"}]',
      ', "groups": [{"id": "' .. first .. '"}, {"id": "' .. second .. '"}]'}}
end
local names = {{'Ada', 'Lovelace'}, {'José', 'Ñandú-Pérez'}, {'Ольга', 'Иванова'}, {'Ελένη', 'Παπαδοπούλου'},
  {'דוד', 'כהן'}, {'محمد', 'الأحمد'}, {'प्रिया', 'शर्मा'}, {'ひろし', 'たなか'}, {'小明', '王'}, {'지우', '김'}, {'Anne-Marie', "O'Neill"}}
local domains = {'my-firm.com', 'Example.ORG', 'mail.sub.example.co.uk', 'new.example', 'a-b-c.photography'}
local phone = ', "phone": {"prefix": "+44", "number": "2071234567"}'
local settings = ', "settings": {"cultureCode": "en-GB", "languageCode": "en"}'
local run = os.getenv('BENCH_RUN')
local count = 0

local function user(email, first, last, more)
  return '{"user": {"email": "' .. email .. '", "firstName": "' .. first .. '", "lastName": "' .. last .. '"' .. more .. '}'
end

function request()
  count = count + 1
  local account = accounts[1 + count * 7 % #accounts]
  local body
  if world then
    local name = names[1 + count % #names]
    -- The person of a request before, in another account.
    local number = count % 10 == 0 and count - 1 or count
    body = user(run .. '.' .. number .. (number % 4 == 0 and '+Tag' or '') .. '@' .. domains[1 + number % #domains],
      name[1], count % 100 == 50 and '' or name[2],
      (count % 3 > 0 and phone or '') .. ((count + 1) % 3 > 0 and settings or ''))
      .. account.rest .. account.groups[count % 3] .. '}'
  else
    body = user(run .. '.' .. count .. '@new.example', 'Ada', 'Lovelace', phone .. settings)
      .. account.rest .. account.groups[2] .. ', "invitation": {"status": "Invited"}}'
  end
  return wrk.format('POST', '/public/v1/accounts/account-users', account.headers, body)
end

dofile(os.getenv('BENCH_DIR') .. '/report.lua')
