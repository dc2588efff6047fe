// Runs the programs of a benchmark: psql, pgbench, wrk and servers; and reads the resources of a process from /proc.
import { execFile, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { promisify } from 'node:util'

const run = promisify(execFile)
const folder = new URL('.', import.meta.url).pathname
const POSTGRES_BIN = '/usr/lib/postgresql/15/bin'
const TICKS_A_SECOND = 100

export async function psql(url, ...commands) {
  const { stdout } = await run('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url,
    ...commands.flatMap((command) => ['-c', command])], { maxBuffer: 1 << 28 })
  return stdout.trim()
}

// Runs a file of SQL; onLine is called for each line of its output.
export function psqlFile(url, file, variables, onLine) {
  const args = ['-X', '-q', '-d', url, '-f', folder + file]
  for (const [name, value] of Object.entries(variables)) args.push('-v', `${name}=${value}`)
  return new Promise((resolve, reject) => {
    const child = spawn('psql', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.on('data', (data) => { for (const line of data.toString().trim().split('\n')) onLine(line) })
    child.on('exit', (code) => code === 0 ? resolve() : reject(new Error(`${file} failed`)))
  })
}

// Returns the transactions per second and the mean latency in milliseconds.
export async function pgbench(url, file, clients, seconds, variables) {
  const args = ['-n', '-M', 'prepared', '-c', clients, '-j', 1, '-T', seconds, '-f', `${folder}${file}`]
  for (const [name, value] of Object.entries(variables)) args.push('-D', `${name}=${value}`)
  const { stdout } = await run(`${POSTGRES_BIN}/pgbench`, [...args.map(String), url])
  const failed = Number(/number of failed transactions: (\d+)/.exec(stdout)?.[1] ?? 0)
  if (failed > 0) throw new Error(`pgbench ${file}: ${failed} transactions failed`)
  const figure = (name) => Number(new RegExp(`^${name} = ([\\d.]+)`, 'm').exec(stdout)[1])
  return { rate: figure('tps'), mean: figure('latency average') }
}

let runs = 0

export async function wrk(port, file, connections, seconds, environment) {
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}`, '--timeout', '10s', '-s', folder + file,
    `http://127.0.0.1:${port}`], { env: { ...process.env, BENCH_DIR: folder, BENCH_RUN: `r${process.pid}.${++runs}`,
    ...environment } })
  const result = JSON.parse(stdout.slice(stdout.lastIndexOf('{')))
  if (result.failed > 0) throw new Error(`wrk ${file}: ${result.failed} requests failed`)
  // A hundredth of the world's data is refused.
  const isRefused = Math.abs(result.refused / result.requests - (environment.BENCH_DATA === 'world' ? 0.01 : 0)) > 0.005
  if (isRefused) throw new Error(`wrk ${file}: ${result.refused} of ${result.requests} requests were refused`)
  return { ...result, rate: result.requests / result.seconds }
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

// Servers that run, to be stopped if the benchmark fails.
const children = new Set()
process.on('exit', () => { for (const child of children) child.kill('SIGKILL') })

// Starts a server; accepts() waits until it accepts connections.
function start(command, args, environment, log) {
  const out = []
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  const keep = (data) => { if (out.length < 100) out.push(data) }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  child.on('exit', () => {
    children.delete(child)
    writeFileSync(log, Buffer.concat(out))
  })
  return child
}

async function accepts(port, child) {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break
    const isOpen = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
      socket.on('error', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('a server did not start')
}

export async function accountsd(url, logs, options = []) {
  const port = await freePort()
  const child = start(`${folder}../../build/release/accountsd`,
    ['--database-url', `${url}&user=accountsd_server`.replace(/user=postgres&?/, ''), '--port', String(port),
      '--telemetry-port', '0', ...options], {}, `${logs}/accountsd-${port}.log`)
  await accepts(port, child)
  return { port, child }
}

export async function peer(url, logs) {
  const port = await freePort()
  const child = start('node', [`${folder}peer/server.mjs`], { DATABASE_URL: url, PORT: String(port) },
    `${logs}/peer.log`)
  await accepts(port, child)
  return { port, child }
}

export function stop({ child }) {
  if (child.exitCode !== null) throw new Error('a server ended before its time')
  return new Promise((resolve) => {
    child.once('exit', resolve)
    child.kill('SIGTERM')
  })
}

// The seconds of CPU time that a process has used.
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

export function residentMiB(pid) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024
}

// Opens connections, each of which makes one request and then stays idle; close() ends them.
export async function idleConnections(port, count) {
  const sockets = []
  const open = () => new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('connect', () => socket.write('GET /nothing HTTP/1.1\r\nHost: bench\r\n\r\n'))
    socket.once('data', () => resolve(socket))
  })
  while (sockets.length < count) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(100, count - sockets.length) }, open)))
  }
  return { close: () => sockets.forEach((socket) => socket.destroy()) }
}

export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}
