// usage: node run.mjs
// Runs the commands of every page, in order, against `make run` in a copy of the tree, and compares their answers.
// Checks links, the size of README.md, and the tables that must agree with the programs. Needs TEST_DIR.
//
// A block of the languages below is a command. If its first line is a comment with a file name, it is written to that
// file instead. A block of make goals only is looked up in the Makefile. A block tagged http, json or text is the
// answer to the command before it, or a line of the programs' log.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join, normalize, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findDifference, parseAnswer } from './answer.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tree = join(process.env.TEST_DIR, 'pages')
const FOLDERS = ['server', 'sql', 'migrations', 'scripts', 'tests']
const PAGES = ['README.md', ...FOLDERS.map((folder) => `${folder}/README.md`)]
const COPIED = ['Makefile', 'server', 'sql', 'migrations', 'scripts', 'README.md']
const COMMANDS = ['sh', 'sql', 'python', 'js', 'c']
const ANSWERS = ['http', 'json', 'text']
const OTHERS = ['ebnf']
const README_MAX = 12288
const BLOCK_MS = 180000

// Without the caller's variables for other databases, ports and makes.
const environment = Object.fromEntries(Object.entries(process.env)
  .filter(([name]) => !/^(PG|MAKE|MFLAGS$|DATABASE_URL$|ACCOUNTSD_)/.test(name)))

let failed = 0

function report(what, problem) {
  if (problem) failed++
  console.log(`${problem ? 'not ok' : 'ok'} ${what}${problem ? `: ${problem}` : ''}`)
}

// Splits a page into its fenced blocks and its prose.
function readPage(page) {
  const blocks = []
  const prose = []
  let block
  readFileSync(join(root, page), 'utf8').split('\n').forEach((line, i) => {
    if (block && line === '```') {
      blocks.push({ ...block, text: block.lines.join('\n') })
      block = undefined
    } else if (block) {
      block.lines.push(line)
    } else if (line.startsWith('```')) {
      block = { tag: line.slice(3), line: i + 1, lines: [] }
    } else {
      prose.push(line)
    }
  })
  return { page, blocks, prose }
}

// The anchors that GitHub gives to headings.
function anchors({ prose }) {
  return prose.filter((line) => /^#+ /.test(line)).map((line) => line.replace(/^#+ /, '').toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'))
}

function checkLinks(pages) {
  for (const { page, prose } of pages.values()) {
    const broken = [...prose.join('\n').matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1])
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path, anchor] = target.split('#')
        const file = path ? normalize(join(dirname(page), path)) : page
        if (!existsSync(join(root, file))) return true
        return anchor !== undefined && !(pages.has(file) && anchors(pages.get(file)).includes(anchor))
      })
    report(`${page}: every link leads somewhere`, broken.join(', '))
  }
}

// Checks the paths of this tree that occur in code spans, also as the first word of a command.
function checkPaths(pages) {
  for (const { page, prose } of pages.values()) {
    const named = [...prose.join('\n').matchAll(/`((?:server|sql|migrations|scripts|tests)\/[\w./-]+)[ `]/g)]
    report(`${page}: every path is there`, named.map((match) => match[1]).filter((path) => !existsSync(join(root, path)))
      .join(', '))
  }
}

function checkShape(pages) {
  const size = readFileSync(join(root, 'README.md')).length
  report(`README.md has at most ${README_MAX} bytes`, size > README_MAX && `it has ${size}`)
  for (const { page, blocks } of pages.values()) {
    const unknown = blocks.filter(({ tag }) => ![...COMMANDS, ...ANSWERS, ...OTHERS].includes(tag))
    report(`${page}: every block has a known language`,
      unknown.map(({ tag, line }) => `line ${line}: ${tag || 'none'}`).join(', '))
  }
}

// The cells of the rows of the table whose header line begins with header.
function rows({ prose }, header) {
  const at = prose.findIndex((line) => line.startsWith(header))
  const end = at < 0 ? -1 : prose.findIndex((line, i) => i > at && !line.startsWith('|'))
  return at < 0 ? [] : prose.slice(at + 2, end < 0 ? undefined : end)
    .map((line) => line.slice(2, -2).split(' | ').map((cell) => cell.trim()))
}

function compareTable(what, documented, actual) {
  const missing = actual.filter((row) => !documented.includes(row))
  const unknown = documented.filter((row) => !actual.includes(row))
  report(what, [...missing.map((row) => `missing: ${row}`), ...unknown.map((row) => `unknown: ${row}`)].join('; ') ||
    (actual.length === 0 && 'there are none'))
}

function checkEvents(page) {
  const events = new Set()
  for (const file of readdirSync(join(root, 'server'), { recursive: true }).filter((name) => name.endsWith('.c'))) {
    const text = readFileSync(join(root, 'server', file), 'utf8')
    for (const match of text.matchAll(/\blog_event\(\s*"(\w+)"|\\"event\\":\\"(\w+)\\"/g))
      events.add(match[1] ?? match[2])
  }
  compareTable('every log event has a row', rows(page, '| event | of | fields').map((row) => row[0]),
    [...events].map((event) => `\`${event}\``))
}

async function checkMetrics(page, ports) {
  const types = new Map()
  for (const program of ['serve', 'deliver']) {
    const text = await (await fetch(`http://127.0.0.1:${ports[program]}/metrics`)).text()
    for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
      types.set(name, { type, of: types.has(name) ? 'both' : program })
  }
  compareTable('every metric has a row', rows(page, '| metric | of | type').map((row) => row.slice(0, 3).join(' ')),
    [...types].map(([name, { type, of }]) => `\`${name}\` ${of} ${type}`))
}

async function checkFunctions(page, psql) {
  const { out } = await psql.run(`\\pset tuples_only
\\pset format unaligned
select proname || '(' || coalesce(array_to_string(proargnames[1:pronargs], ', '), '') || ')'
from pg_proc where pronamespace = 'api'::regnamespace;
\\pset tuples_only
\\pset format aligned`)
  const functions = out.split('\n').filter((line) => /^\w+\(.*\)$/.test(line))
  const documented = page.prose.map((line) => /^\| `(api\.\w+\(.*?\))`/.exec(line)?.[1]).filter((row) => row)
  compareTable('every function has a row with its parameters', documented, functions.map((name) => `api.${name}`))
  const commands = page.blocks.filter(({ tag }) => COMMANDS.includes(tag)).map(({ text }) => text).join('\n')
  report('every function has an example', functions.map((name) => name.split('(')[0])
    .filter((name) => !commands.includes(`api.${name}(`)).join(', '))
}

async function checkSettings(page, psql) {
  const { out } = await psql.run('select api.configure();')
  const settings = JSON.parse(out.split('\n').find((line) => line.trim().startsWith('{')))
  const documented = rows(page, '| setting | default').flatMap(([names, value]) =>
    names.split(', ').map((name) => `${name} ${value}`))
  compareTable('every setting has a row with its default', documented,
    Object.entries(settings).map(([name, value]) => `\`${name}\` \`${String(value).replace(/:\d+/, ':8080')}\``))
}

// A bash or psql process that runs one block after the other.
class Session {
  constructor(command, args, send) {
    this.send = send
    this.streams = ['', '']
    // In its own session, because without a terminal no program asks for a password.
    this.child = spawn(command, args, { cwd: tree, env: environment, detached: true })
    this.child.stdout.setEncoding('utf8').on('data', (text) => this.take(0, text))
    this.child.stderr.setEncoding('utf8').on('data', (text) => this.take(1, text))
    this.child.on('exit', () => this.wake?.())
  }

  take(stream, text) {
    this.streams[stream] += text
    this.wake?.()
  }

  async run(text) {
    this.streams = ['', '']
    this.child.stdin.write(this.send(text))
    const until = Date.now() + BLOCK_MS
    while (!this.streams.every((stream) => stream.includes('END-OF-BLOCK'))) {
      if (Date.now() > until || this.child.exitCode !== null) throw new Error(`did not end: ${this.streams.join('')}`)
      await new Promise((done) => {
        this.wake = done
        setTimeout(done, 1000)
      })
    }
    const [out, err] = this.streams.map((stream) => stream.slice(0, stream.indexOf('END-OF-BLOCK')))
    return { out, err, status: Number(/END-OF-BLOCK (\d+)/.exec(this.streams[0])?.[1] ?? 0) }
  }

  end() {
    this.child.stdin.end()
  }
}

const openPsql = (url) => new Session('psql', ['-X', '-d', url],
  (text) => `${text}\n\\echo END-OF-BLOCK\n\\warn END-OF-BLOCK\n`)

// A block fails if any command in it fails, unless `||` follows.
const openBash = () => new Session('bash', ['--noprofile', '--norc'], (text) => {
  writeFileSync(join(tree, '.local/block'), text)
  return `block_status=0; trap 'block_status=1' ERR; . .local/block </dev/null 2>&1; ` +
    `trap - ERR; echo "END-OF-BLOCK $block_status"; echo END-OF-BLOCK >&2\n`
})

function checkGoals(lines) {
  const makefile = readFileSync(join(root, 'Makefile'), 'utf8')
  return lines.map((line) => line.split(/\s+/)[1]).filter((goal) => !new RegExp(`^${goal}:.*## `, 'm').test(makefile))
    .map((goal) => `there is no goal ${goal}`).join(', ')
}

// Runs a command. Returns the problem, or undefined.
async function runCommand({ tag, lines, text }, answer, sessions, place) {
  const name = /^(?:#|\/\/|\/\*) (\w+\.\w+)(?: \*\/)?$/.exec(lines[0])?.[1]
  if (name) {
    writeFileSync(join(tree, name), place(text))
    return undefined
  }
  if (tag === 'sh' && lines.every((line) => /^make \w+\s*(#.*)?$/.test(line))) return checkGoals(lines)
  if (!sessions[tag]) return 'is neither a file nor a command'
  const { out, err, status } = await sessions[tag].run(place(text))
  const output = [out, err].join('\n')
  if (status !== 0) return `failed:\n${output}`
  const error = tag === 'sql' && err.split('\n').find((line) => /^(ERROR|FATAL|PANIC|psql|invalid|\\)/.test(line))
  if (error && !answer?.text.includes('ERROR:')) return error
  return answer && findDifference(parseAnswer(answer.tag, place(answer.text)), output)
}

async function runPage({ page, blocks }, url, log, place) {
  const sessions = { sh: openBash(), sql: openPsql(url) }
  for (const [i, block] of blocks.entries()) {
    const follows = (at) => ANSWERS.includes(blocks[at]?.tag)
    const where = `${page}:${block.line}`
    try {
      if (COMMANDS.includes(block.tag)) {
        const answer = follows(i + 1) ? blocks[i + 1] : undefined
        report(`${where} ${block.tag}`, await runCommand(block, answer, sessions, place))
      } else if (follows(i) && !COMMANDS.includes(blocks[i - 1]?.tag)) {
        const expected = parseAnswer(block.tag, place(block.text))
        const lines = log().split('\n').filter((line) => line.startsWith('{'))
        report(`${where} is a line of the log`, !lines.some((line) => !findDifference(expected, line)) && 'there is none')
      }
    } catch (error) {
      report(where, error.message)
      break
    }
  }
  for (const session of Object.values(sessions)) session.end()
}

async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => done(server))
  })))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((done) => { server.close(done) })))
  return ports
}

// `make run` uses the port after the server's telemetry port for delivery.
async function choosePorts() {
  for (;;) {
    const [page, serve] = await freePorts(2)
    const next = await new Promise((done) => {
      const server = createServer().on('error', () => done(false))
        .listen(serve + 1, '127.0.0.1', () => server.close(() => done(true)))
    })
    if (next && serve < 65000 && page !== serve + 1) return { page, serve, deliver: serve + 1 }
  }
}

function copyTree() {
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(join(tree, '.local'), { recursive: true })
  for (const name of COPIED) cpSync(join(root, name), join(tree, name), { recursive: true, preserveTimestamps: true })
  symlinkSync(join(root, 'build'), join(tree, 'build'))
}

async function startRun(ports) {
  const env = { ...environment, ACCOUNTSD_PORT: ports.page, ACCOUNTSD_TELEMETRY_PORT: ports.serve }
  const child = spawn('scripts/run', { cwd: tree, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  await new Promise((done, fail) => {
    const take = (chunk) => {
      text += chunk
      if (text.includes('Invite somebody')) done()
    }
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.on('exit', () => fail(new Error(`scripts/run ended: ${text}`)))
  })
  return {
    log: () => text,
    stop: () => new Promise((done) => {
      child.removeAllListeners('exit').on('exit', done)
      child.kill('SIGTERM')
    }),
  }
}

// `make run` waits for the server, but not for delivery.
async function awaitReady(port) {
  for (const until = Date.now() + BLOCK_MS; ;) {
    const response = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined)
    if (response?.ok) return
    if (Date.now() > until) throw new Error(`nobody is ready at port ${port}`)
    await new Promise((done) => { setTimeout(done, 100) })
  }
}

function capture(command, args) {
  return new Promise((done) => {
    let text = ''
    spawn(command, args, { cwd: tree, env: environment }).on('close', () => done(text.trim())).stdout.setEncoding('utf8')
      .on('data', (chunk) => { text += chunk })
  })
}

const pages = new Map(PAGES.map((page) => [page, readPage(page)]))
checkShape(pages)
checkLinks(pages)
checkPaths(pages)
checkEvents(pages.get('server/README.md'))

copyTree()
const ports = await choosePorts()
const place = (text) => text.replaceAll('127.0.0.1:8080', `127.0.0.1:${ports.page}`)
  .replaceAll('127.0.0.1:9180', `127.0.0.1:${ports.serve}`).replaceAll('127.0.0.1:9181', `127.0.0.1:${ports.deliver}`)
const run = await startRun(ports)
try {
  await Promise.all([awaitReady(ports.serve), awaitReady(ports.deliver)])
  const url = await capture(resolve(tree, 'scripts/postgres'), ['url', '.local/postgres'])
  const psql = openPsql(url)
  await checkMetrics(pages.get('server/README.md'), ports)
  await checkFunctions(pages.get('sql/README.md'), psql)
  await checkSettings(pages.get('sql/README.md'), psql)
  psql.end()
  for (const page of pages.values()) await runPage(page, url, run.log, place)
} finally {
  await run.stop()
  await capture(resolve(tree, 'scripts/postgres'), ['remove', '.local/postgres'])
}
process.exit(failed ? 1 : 0)
