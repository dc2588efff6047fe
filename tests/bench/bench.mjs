// usage: node bench.mjs URL OUT [--quick]
// Measures accountsd against its yardsticks on the cluster at URL, which scripts/bench has started. Prints a table, and
// writes OUT/result.json and OUT/result.svg. The compared programs run in turn in several rounds, and every figure is a
// ratio within a round.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { accountsd, cpuSeconds, idleConnections, median, peer, pgbench, psql, psqlFile, residentMiB, stop, wrk }
  from './measure.mjs'
import { plot } from './plot.mjs'

const [cluster, out, ...flags] = process.argv.slice(2)
const isQuick = flags.includes('--quick')
const root = new URL('../..', import.meta.url).pathname
const size = isQuick
  ? { small: [10_000, 1_000], main: [50_000, 10_000], large: [200_000, 100_000], rounds: 3, seconds: 2 }
  : { small: [10_000, 1_000], main: [450_000, 100_000], large: [10_000_000, 1_000_000], rounds: 5, seconds: 4 }
const CLIENTS = 64
const IDLE = 10_000
const CALLS = 50
// One database connection per worker, because server and database share the machine's cores.
const OPTIONS = ['--database-connections', '1', '--max-connections', String(2 * IDLE), '--request-timeout', '120000']
const STEPS = { accounts: 1, people: 10, memberships: 25, links: 10, invitations: 10, audit: 22, index_person: 5,
  index_account_user: 12, index_account_user_group: 2, index_invitation: 3, index_audit: 4, vacuum: 8 }

mkdirSync(`${out}/log`, { recursive: true })
const started = Date.now()
const say = (text) => console.log(`==> ${text} (${Math.round((Date.now() - started) / 1000)} s)`)
const urlOf = (database) => cluster.replace('/accountsd?', `/${database}?`)

// Creates a migrated database with the benchmark's data. variables: of the pgbench scripts.
async function prepare(name) {
  const [members, largest] = size[name]
  const url = urlOf(`bench_${name}`)
  await psql(cluster, `drop database if exists bench_${name}`, `create database bench_${name}`)
  execFileSync(`${root}scripts/migrate`,
    { env: { ...process.env, DATABASE_URL: url }, stdio: ['ignore', 'ignore', 'inherit'] })
  const total = Object.values(STEPS).reduce((sum, share) => sum + share)
  let share = 0
  const draw = (step) => {
    share += STEPS[step] ?? 0
    const filled = Math.round(30 * share / total)
    const bar = `    ${'#'.repeat(filled).padEnd(30, '.')} ${members.toLocaleString('en')} account users: ${step}`
    if (process.stdout.isTTY) process.stdout.write(`\r${bar.padEnd(90)}`)
    else if (step === 'vacuum') process.stdout.write(bar)
  }
  await psqlFile(url, 'data.sql', { members, largest }, draw)
  await psqlFile(url, 'yardsticks.sql', {}, () => {})
  await psql(url, 'create extension if not exists pg_stat_statements')
  process.stdout.write('\n')
  const bytes = Number(await psql(url, 'select pg_database_size(current_database())'))
  const accounts = 1 + Math.floor((members - largest) / 1000)
  const file = `${out}/accounts-${name}`
  writeFileSync(file, await psql(url, `select internal.api_token_id(a) || ' ' || internal.account_id(a) || ' '
    || internal.user_group_id(3 * a - 2) || ' ' || internal.user_group_id(3 * a - 1)
    from generate_series(1, ${Math.min(accounts, 1000)}) as a`) + '\n')
  // The members of the first account.
  const first = Number(await psql(url, 'select min(key) from accounts.account_user'))
  // What the groups of members give is stored by invitations; the reads are measured as after one.
  await psql(url, `select internal.keep_group_members(array(
    select distinct array(select l.user_group_key from accounts.account_user_group as l
      where l.account_user_key = u.key order by 1)::text
    from accounts.account_user as u where u.account_key = 1))`)
  return { name, url, file, members, largest, bytes,
    variables: { accounts: Math.min(accounts, 1000), first, last: first + largest - 1 } }
}

const invite = (server, database, clients) =>
  wrk(server.port, 'create.lua', clients, size.seconds, { BENCH_ACCOUNTS: database.file })
const flood = (server, database) => invite(server, database, CLIENTS)
const call = (file, database, clients, variables = {}) =>
  pgbench(database.url, file, clients, size.seconds, { ...database.variables, ...variables })
const oneCall = (database, clients) => call('one_call.pgbench', database, clients)

async function rounds(measure) {
  const results = []
  for (let round = 0; round < size.rounds; round++) results.push(await measure())
  return results
}

const rows = []
// figures: one object per round. ratio: computes the ratio of a round. less: the goal is an upper bound.
function row(name, figures, ratio, goal, less = false) {
  const ratios = figures.map(ratio)
  rows.push({ name, figures, ratio: median(ratios), from: Math.min(...ratios), to: Math.max(...ratios), goal, less,
    isMet: less ? median(ratios) <= goal : median(ratios) >= goal })
}

async function throughput(main) {
  const server = await accountsd(main.url, `${out}/log`, OPTIONS)
  const other = await peer(main.url, `${out}/log`)
  // Warm up: plans are made and caches are filled.
  await flood(server, main)
  await invite(other, main, 32)
  const figures = await rounds(async () => {
    const cpu = cpuSeconds(server.child.pid)
    const flooded = await flood(server, main)
    return {
      flood: flooded.rate,
      serverCpu: (cpuSeconds(server.child.pid) - cpu) / flooded.requests * 1e6,
      floor: (await call('floor.pgbench', main, 8)).rate,
      oneCall: Math.max((await oneCall(main, 8)).rate, (await oneCall(main, 16)).rate),
      peer: (await invite(other, main, 32)).rate,
    }
  })
  row('flood ÷ one-call', figures, (r) => r.flood / r.oneCall, 3.0)
  row('flood ÷ floor', figures, (r) => r.flood / r.floor, 1.9)
  row('flood ÷ peer', figures, (r) => r.flood / r.peer, 4.5)
  row('one-call ÷ floor', figures, (r) => r.oneCall / r.floor, 0.62)
  await stop(other)

  row('flood with the world\'s data ÷ with uniform data', await rounds(async () => ({
    world: (await wrk(server.port, 'create.lua', CLIENTS, size.seconds,
      { BENCH_ACCOUNTS: main.file, BENCH_DATA: 'world' })).rate,
    uniform: (await flood(server, main)).rate,
  })), (r) => r.world / r.uniform, 0.95)

  const limit = (value) => psql(main.url, `select api.configure('{"limit.recipient": "${value}"}')`)
  row('flood with a limit of recipients ÷ without', await rounds(async () => {
    const without = (await flood(server, main)).rate
    await limit('1000 per 1 day')
    const limited = (await flood(server, main)).rate
    await limit('none')
    return { limited, without }
  }), (r) => r.limited / r.without, 0.9)

  row('latency, one client: HTTP p50 ÷ one-call mean', await rounds(async () => ({
    http: (await invite(server, main, 1)).p50 / 1000,
    oneCall: (await oneCall(main, 1)).mean,
  })), (r) => r.http / r.oneCall, 1.10, true)

  const paths = `${out}/paths`
  writeFileSync(paths, (await psql(main.url, `select '/public/v1/accounts/account-users/' || internal.account_user_id(k)
    from generate_series(${main.variables.first}, ${main.variables.last}, ${main.largest} / 1000) as k`)) + '\n')
  const token = await psql(main.url, 'select internal.api_token_id(1)')
  const set = async (size) => size * (await call('get_set.pgbench', main, 8, { size })).rate
  const reads = await rounds(async () => ({
    http: (await wrk(server.port, 'get.lua', CLIENTS, size.seconds, { BENCH_PATHS: paths, BENCH_TOKEN: token })).rate,
    function: (await call('get.pgbench', main, 8)).rate,
    plainRead: (await call('plain_read.pgbench', main, 8)).rate,
    setOf1: await set(1),
    setOf8: await set(8),
    setOf32: await set(32),
  }))
  const pick = (...names) => reads.map((r) => Object.fromEntries(names.map((name) => [name, r[name]])))
  row('get function ÷ plain read', pick('function', 'plainRead'), (r) => r.function / r.plainRead, 0.8)
  row('GET by id over HTTP ÷ plain read', pick('http', 'plainRead'), (r) => r.http / r.plainRead, 1.0)
  row('gets in sets of 32 ÷ sets of 1', pick('setOf1', 'setOf8', 'setOf32'), (r) => r.setOf32 / r.setOf1, 2.5)
  await stop(server)
  return figures
}

async function lists(large) {
  const server = await accountsd(large.url, `${out}/log`, OPTIONS)
  const list = async (account) => {
    const file = `${out}/lists-${account}`
    const [token, id] = (await psql(large.url,
      `select internal.api_token_id(${account}) || ' ' || internal.account_id(${account})`)).split(' ')
    writeFileSync(file, `/public/v1/accounts/accounts/${id}/users?order=name&limit=100\n`)
    return wrk(server.port, 'get.lua', 1, size.seconds, { BENCH_PATHS: file, BENCH_TOKEN: token })
  }
  await list(1)
  await list(2)
  row(`list, 100 of ${large.largest.toLocaleString('en')}: p99 ÷ p50 of 100 of 1,000`, await rounds(async () => ({
    large: (await list(1)).p99 / 1000,
    small: (await list(2)).p50 / 1000,
  })), (r) => r.large / r.small, 2, true)
  await stop(server)
}

// Invites into ten accounts of each database, because sets with fewer accounts are less work.
async function growth(...databases) {
  const [small, large] = databases.map((database) => {
    const file = `${database.file}-ten`
    writeFileSync(file, readFileSync(database.file, 'utf8').split('\n').slice(0, 10).join('\n') + '\n')
    return { ...database, file }
  })
  const servers = [await accountsd(small.url, `${out}/log`, OPTIONS), await accountsd(large.url, `${out}/log`, OPTIONS)]
  await flood(servers[0], small)
  await flood(servers[1], large)
  row(`flood with ${large.members.toLocaleString('en')} present ÷ with ${small.members.toLocaleString('en')}`,
    await rounds(async () => ({
      large: (await flood(servers[1], large)).rate,
      small: (await flood(servers[0], small)).rate,
    })), (r) => r.large / r.small, 0.9)
  for (const server of servers) await stop(server)
}

async function memory(small) {
  const server = await accountsd(small.url, `${out}/log`, OPTIONS)
  const before = residentMiB(server.child.pid)
  const connections = await idleConnections(server.port, IDLE)
  const figures = [{ idle: before, connected: residentMiB(server.child.pid) }]
  connections.close()
  row(`MiB resident with ${IDLE.toLocaleString('en')} idle connections`, figures, (r) => r.connected, 40, true)
  await stop(server)
}

// Measures one create by its procedure: buffers, WAL, statements, and the time of these.
async function anatomy(database) {
  const create = readFileSync(`${root}tests/bench/one_call.pgbench`, 'utf8').replace(/^\\set.*\n/gm, '')
    .replaceAll(':account', '1').replaceAll(':somebody', '(extract(epoch from clock_timestamp()) * 1e6)::bigint')
  const warm = create.repeat(20)
  const explained = await psql(database.url, warm, `explain (analyze, buffers, wal, format json) ${create}`)
  const plan = JSON.parse(explained.slice(explained.indexOf('\n[\n')))[0].Plan
  const statements = await psql(database.url, "set pg_stat_statements.track = 'all'", warm,
    'select pg_stat_statements_reset()', create.repeat(CALLS),
    `select '@' || json_agg(json_build_object('calls', s.calls, 'microseconds', round(s.microseconds),
        'statement', s.statement) order by s.microseconds desc)
      from (
        select calls::float / ${CALLS} as calls, total_exec_time * 1000 / ${CALLS} as microseconds,
          left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as statement
        from pg_stat_statements
        where calls >= ${CALLS}
      ) as s`)
  return {
    members: database.members,
    bytesEach: Math.round(database.bytes / database.members),
    buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
    walBytes: plan['WAL Bytes'],
    walRecords: plan['WAL Records'],
    roundTrips: 1,
    statements: JSON.parse(statements.slice(statements.lastIndexOf('@') + 1)),
  }
}

const format = (value) => value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)

function print(result) {
  const medians = (figures) => Object.keys(figures[0]).filter((key) => key !== 'serverCpu')
    .map((key) => `${key} ${format(median(figures.map((f) => f[key])))}`).join(', ')
  const cells = [['figure', 'medians', 'ratio (range)', 'goal', ''], ...result.rows.map((r) => [r.name,
    medians(r.figures), `${format(r.ratio)} (${format(r.from)} to ${format(r.to)})`, `${r.less ? '≤' : '≥'} ${r.goal}`,
    r.isMet ? 'met' : 'MISSED'])]
  const widths = cells[0].map((_, i) => Math.max(...cells.map((c) => c[i].length)))
  for (const c of cells) console.log(c.map((text, i) => text.padEnd(widths[i])).join('  ').trimEnd())

  console.log(`\nserver CPU a request of the flood: ${format(result.serverCpuMicroseconds)} µs`)
  for (const a of result.anatomy) {
    const statements = a.statements.reduce((sum, s) => sum + s.calls, 0)
    console.log(`with ${a.members.toLocaleString('en')} account users one create is ${a.buffers} buffers, ` +
      `${a.walBytes} bytes of WAL in ${a.walRecords} records, ${Math.round(statements)} statements, ` +
      `${a.roundTrips} round trip; an account user is ${a.bytesEach} bytes of database`)
  }
  console.log('\nwhere the procedure spends its time: microseconds a call, with the statements within')
  for (const s of result.anatomy.at(-1).statements.slice(0, 16)) {
    console.log(`${String(s.microseconds).padStart(7)}  ${s.statement}`)
  }
}

say('making the data')
const small = await prepare('small')
const main = await prepare('main')
const large = await prepare('large')
await psql(cluster, 'alter system reset wal_level', 'alter system reset max_wal_senders')
execFileSync(`${root}scripts/postgres`, ['stop', `${out}/postgres`])
execFileSync(`${root}scripts/postgres`, ['start', `${out}/postgres`])
for (const database of [small, main, large]) await psql(database.url, 'checkpoint')
say('throughput and latency')
const figures = await throughput(main)
say('lists')
await lists(large)
say('growth')
await growth(small, large)
say('memory')
await memory(small)
const result = { at: new Date().toISOString(), quick: isQuick, rows,
  serverCpuMicroseconds: median(figures.map((f) => f.serverCpu)),
  anatomy: [await anatomy(small), await anatomy(large)] }
say('done')
print(result)
writeFileSync(`${out}/result.json`, JSON.stringify(result, null, 2) + '\n')
writeFileSync(`${out}/result.svg`, plot(result, median))
