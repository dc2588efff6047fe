// usage: node check.mjs [--screenshots DIR] [--pictures]
// Opens invitations in a browser, presses the button of their page, and checks the mails that the unit tests have
// written to $TEST_DIR. Needs DATABASE_URL and ACCOUNTSD_BINARY.
// --screenshots: writes one of every page to DIR. --pictures: writes page.png and mail.png for README.md.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const here = fileURLToPath(new URL('.', import.meta.url))
const AXE = readFileSync(join(here, 'node_modules/axe-core/axe.min.js'), 'utf8')
const ACCOUNT_USERS = '/public/v1/accounts/account-users'
const BLANK = 'about:blank'
const DESKTOP = { width: 1280, height: 800 }
const PHONE = { width: 360, height: 640 }
const LANGUAGES = { en: 'en-GB', de: 'de-AT', fr: 'fr-FR', es: 'es-MX' }

const options = process.argv.slice(2)
const screenshots = options.includes('--screenshots') ? options[options.indexOf('--screenshots') + 1] : undefined
if (screenshots) mkdirSync(screenshots, { recursive: true })
const { DATABASE_URL, ACCOUNTSD_BINARY, TEST_DIR } = process.env
const socketFolder = mkdtempSync(join(tmpdir(), 'accountsd-browser-'))

function sql(statement, ...values) {
  const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', DATABASE_URL]
  values.forEach((value, i) => args.push('-v', `v${i + 1}=${value}`))
  return execFileSync('psql', args, { input: statement, encoding: 'utf8' }).trim()
}

// A proxy between server and database, until it is cut.
async function startLink() {
  const target = new URL(DATABASE_URL)
  const folder = target.searchParams.get('host')
  const sockets = new Set()
  const link = createServer((client) => {
    const database = createConnection(join(folder, '.s.PGSQL.5432'))
    for (const [a, b] of [[client, database], [database, client]]) {
      sockets.add(a)
      a.on('error', () => b.destroy()).on('close', () => b.destroy()).pipe(b)
    }
  })
  await new Promise((resolve) => { link.listen(join(socketFolder, '.s.PGSQL.5432'), resolve) })
  target.searchParams.set('host', socketFolder)
  target.searchParams.set('user', 'accountsd_server')
  return {
    url: target.href,
    cut() {
      link.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function startServer(url) {
  const child = spawn(ACCOUNTSD_BINARY, ['--port', '0', '--telemetry-port', '0', '--workers', '1'],
    { env: { ...process.env, DATABASE_URL: url }, stdio: ['ignore', 'ignore', 'pipe'] })
  const server = { log: '', ended: new Promise((resolve) => { child.on('exit', resolve) }), stop: () => child.kill('SIGTERM') }
  const port = await new Promise((resolve, reject) => {
    child.stderr.on('data', (bytes) => {
      server.log += bytes
      const line = server.log.match(/^.*"event":"listening".*$/m)
      if (line) resolve(JSON.parse(line[0]).port)
    })
    child.on('exit', () => reject(new Error(`accountsd has ended: ${server.log}`)))
  })
  server.origin = `http://127.0.0.1:${port}`
  return server
}

const link = await startLink()
const server = await startServer(link.url)
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})

function makeAccount(name) {
  const [id, token] = sql(`select api.create_account(jsonb_build_object('type', 'Client', 'name', :'v1')) ->> 'id' as id \\gset
    select api.create_user_group(jsonb_build_object('account', jsonb_build_object('id', :'id'), 'name', 'Everyone',
      'isDefault', true, 'allBuyers', true)) \\gset group_
    select :'id', api.create_api_token(jsonb_build_object('account', jsonb_build_object('id', :'id'),
      'name', 'Grace Hopper')) ->> 'token'`, name).split('|')
  return { id, token }
}

async function call(account, method, path, body) {
  const answer = await fetch(server.origin + ACCOUNT_USERS + path, {
    method,
    headers: { Authorization: `Bearer ${account.token}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
  return answer.status === 204 ? undefined : answer.json()
}

const invitations = []
const addressOf = (object) => `${server.origin}/invitations/${object.id}/${object.invitation.url.split('/').at(-1)}`

async function invite(account, firstName = 'Ada', lastName = 'Lovelace') {
  const email = `browser-${process.pid}-${invitations.length}-${Date.now()}@example.com`
  const object = await call(account, 'POST', '', { user: { email, firstName, lastName } })
  const invitation = { account, id: object.id, url: addressOf(object) }
  invitations.push(invitation)
  return invitation
}

const statusOf = async ({ account, id }) => (await call(account, 'GET', `/${id}`)).invitation.status

const demo = makeAccount('Demo Client')

// The states of an invitation: how to reach each, and the status and heading of its page.
const STATES = {
  Open: { status: 200, heading: 'Grace Hopper invites you to join Demo Client' },
  Accepted: { status: 200, heading: 'You are in!',
    make: ({ url }) => fetch(url, { method: 'POST', redirect: 'manual' }) },
  Expired: { status: 410, heading: 'This invitation has expired',
    make: ({ id }) => sql(`update accounts.invitation set sent_at = sent_at - interval '8 days',
      expires_at = expires_at - interval '8 days' where account_user_key = internal.account_user_key(:'v1')`, id) },
  Superseded: { status: 410, heading: 'There is a newer invitation for you',
    make: ({ account, id }) => call(account, 'POST', `/${id}/resend-invite`) },
  Revoked: { status: 410, heading: 'This invitation has been withdrawn',
    make: ({ account, id }) => call(account, 'DELETE', `/${id}`) },
  Disabled: { status: 409, heading: 'Demo Client is not available at the moment', account: makeAccount('Demo Client'),
    make: ({ account }) => sql("update accounts.account set status = 'Disabled' where key = internal.account_key(:'v1')",
      account.id) },
  Wrong: { status: 404, heading: 'This link leads to no invitation',
    make: (invitation) => { invitation.url = invitation.url.slice(0, -3) } },
}

for (const state of Object.values(STATES)) {
  state.invitation = await invite(state.account ?? demo)
  await state.make?.(state.invitation)
}

let failed = 0
async function check(name, work) {
  try {
    await work()
    console.log(`ok ${name}`)
  } catch (error) {
    failed++
    console.log(`not ok ${name}\n    ${String(error.stack).replaceAll('\n', '\n    ')}`)
  }
}

const pages = new Map()

// A browser page with these options, which is reused, because opening one is slow.
async function openPage(options) {
  const key = JSON.stringify(options)
  if (!pages.has(key)) {
    const context = await browser.newContext({ viewport: DESKTOP, locale: 'en-US', ...options })
    const opened = { page: await context.newPage(), elsewhere: [], complaints: [] }
    context.on('request', (request) => {
      if (new URL(request.url()).origin !== server.origin) opened.elsewhere.push(request.url())
    })
    opened.page.on('console', (message) => {
      if (!/^Failed to load resource: the server responded with a status of/.test(message.text()))
        opened.complaints.push(message.text())
    })
    opened.page.on('pageerror', (error) => opened.complaints.push(error.message))
    pages.set(key, opened)
  }
  return pages.get(key)
}

// Runs work on a page. Fails if the page sent a request to another host, or if the browser logged an error other than
// the status of the page.
async function visit(options, url, work) {
  const { page, elsewhere, complaints } = await openPage(options)
  await page.setViewportSize(options.viewport ?? DESKTOP)
  await page.emulateMedia({ colorScheme: 'light' })
  await page.goto(BLANK)
  elsewhere.length = 0
  complaints.length = 0
  await work(page, url === BLANK ? null : await page.goto(url))
  assert.deepEqual(elsewhere, [], 'a request left the origin')
  assert.deepEqual(complaints, [], 'the browser complains')
}

const headingOf = (page) => page.getByRole('heading', { level: 1 })

// A mail is shown inside the page of a mail program, which has the landmarks and the heading.
const NOT_OF_MAILS = ['landmark-one-main', 'page-has-heading-one', 'region']

const examined = new Set()

async function isAccessible(page, { without = [], rules = undefined } = {}) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE)
  const { violations } = await page.evaluate(([ids, only]) => globalThis.axe.run({
    rules: Object.fromEntries(ids.map((id) => [id, { enabled: false }])),
    ...(only && { runOnly: only }),
  }), [without, rules])
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`), [])
}

async function fits(page) {
  const { inner, outer } = await page.evaluate(() =>
    ({ inner: document.documentElement.scrollWidth, outer: document.documentElement.clientWidth }))
  assert.ok(inner <= outer, `${inner} pixels are wider than ${outer}`)
}

const shoot = async (page, name) =>
  screenshots && page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })

// Checks a page on a desktop and, in dark mode, on a phone. kind: accessibility is checked once for each kind.
async function looksWell(page, name, kind, without) {
  const isNew = !examined.has(kind)
  examined.add(kind)
  if (isNew) await isAccessible(page, { without })
  await shoot(page, `${name}-desktop`)
  await page.setViewportSize(PHONE)
  await page.emulateMedia({ colorScheme: 'dark' })
  await fits(page)
  if (isNew) await isAccessible(page, { rules: ['color-contrast'] })
  await shoot(page, `${name}-phone`)
}

// Takes a picture of an element with a margin.
async function takePicture(page, selector, name) {
  const box = await page.locator(selector).first().boundingBox()
  const margin = 16
  await page.screenshot({
    path: join(here, name),
    clip: { x: box.x - margin, y: box.y - margin, width: box.width + 2 * margin, height: box.height + 2 * margin },
  })
}

for (const [name, { status, heading, invitation }] of Object.entries(STATES)) {
  await check(`${name} is told`, () => visit({}, invitation.url, async (page, response) => {
    assert.equal(response.status(), status)
    assert.equal(await headingOf(page).innerText(), heading)
    assert.equal(await page.getByRole('heading').count(), 1)
    assert.equal(await page.getByRole('main').count(), 1)
    assert.equal(await page.getByRole('button').count(), name === 'Open' ? 1 : 0)
    assert.equal(await page.getByRole('status').count(), name === 'Open' ? 0 : 1)
    assert.ok(!(await page.content()).includes(invitation.url.split('/').at(-1)), 'the code is in the page')
    if (name === 'Open' && options.includes('--pictures')) await takePicture(page, 'main', 'page.png')
    await looksWell(page, name, ['Open', 'Accepted'].includes(name) ? name : 'notice')
  }))
}

for (const [language, locale] of Object.entries(LANGUAGES)) {
  await check(`it is told in ${language}`, () => visit({ locale }, STATES.Open.invitation.url, async (page, response) => {
    assert.equal(response.headers()['content-language'], language)
    assert.equal(await page.locator('html').getAttribute('lang'), language)
    assert.match(await headingOf(page).innerText(), /^Grace Hopper .*Demo Client/)
    await shoot(page, `Open-${language}-desktop`)
    await page.setViewportSize(PHONE)
    await fits(page)
    await shoot(page, `Open-${language}-phone`)
  }))
}

// The ways to press the button.
const presses = {
  'a click': { press: (page) => page.getByRole('button', { name: 'Accept invitation' }).click() },
  'a tap on a phone': { options: { viewport: PHONE, hasTouch: true, isMobile: true },
    press: (page) => page.getByRole('button', { name: 'Accept invitation' }).tap() },
  'the keyboard': { press: async (page) => {
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Accept invitation')
    await shoot(page, 'Open-focus')
    await page.keyboard.press('Enter')
  } },
  'a click without JavaScript': { options: { javaScriptEnabled: false },
    press: (page) => page.getByRole('button', { name: 'Accept invitation' }).click() },
}
for (const [name, { options: contextOptions, press }] of Object.entries(presses)) {
  await check(`${name} accepts`, async () => {
    const invitation = await invite(demo)
    await visit(contextOptions ?? {}, `${invitation.url}?utm_source=mail`, async (page) => {
      assert.equal(await statusOf(invitation), 'Invited')
      await press(page)
      await headingOf(page).getByText('You are in!').waitFor()
      assert.equal(page.url(), invitation.url)
      assert.equal(await statusOf(invitation), 'Active')
      await page.reload()
      assert.equal(await headingOf(page).innerText(), 'You are in!')
      assert.equal(await statusOf(invitation), 'Active')
    })
  })
}

await check('GET and HEAD do not accept', async () => {
  const invitation = await invite(demo)
  for (let i = 0; i < 20; i++) await fetch(invitation.url, { method: i % 2 ? 'HEAD' : 'GET' })
  await visit({}, invitation.url, async (page) => {
    for (let i = 0; i < 5; i++) await page.reload()
  })
  assert.equal(await statusOf(invitation), 'Invited')
})

await check('an invitation that ends while its page is open is reported', async () => {
  const invitation = await invite(demo)
  await visit({}, invitation.url, async (page) => {
    await call(demo, 'POST', `/${invitation.id}/resend-invite`)
    await page.getByRole('button').click()
    assert.equal(await headingOf(page).innerText(), STATES.Superseded.heading)
  })
})

await check('names are escaped', async () => {
  const hostile = makeAccount('<script>document.title = "owned"</script> & "Söhne" 🎉 שלום')
  const invitation = await invite(hostile, '<img src=x onerror=alert(1)>', `O'Neil "Bob" ${'Very'.repeat(15)}`)
  await visit({ viewport: PHONE }, invitation.url, async (page) => {
    // A zero-width space after each dot prevents mail programs from turning a name into a link.
    const shown = '<script>document.\u200btitle = "owned"</script> & "Söhne" 🎉 שלום'
    assert.equal(await page.title(), `Invitation to ${shown}`)
    assert.equal(await headingOf(page).innerText(), `Grace Hopper invites you to join ${shown}`)
    assert.equal(await page.locator('script, img').count(), 0)
    await fits(page)
    await shoot(page, 'Open-hostile-phone')
  })
})

await check('a refused method is answered with a page', async () => {
  const answer = await fetch(STATES.Open.invitation.url, { method: 'PUT' })
  assert.equal(answer.status, 405)
  await visit({}, STATES.Wrong.invitation.url, async (page) => {
    await page.setContent(await answer.text())
    assert.equal(await headingOf(page).innerText(), 'That did not work')
    await shoot(page, 'Refused-desktop')
  })
})

await check('no code is in the log', () => {
  for (const { url } of invitations) assert.ok(!server.log.includes(url.split('/').at(-1)))
})

// Last, because the server is without a database afterwards.
await check('an unavailable database is reported', async () => {
  await visit({}, STATES.Open.invitation.url, async (page) => {
    link.cut()
    await page.getByRole('button').click()
    assert.equal(await headingOf(page).innerText(), 'One moment, please')
    await isAccessible(page)
    await shoot(page, 'Busy-desktop')
    const [again] = await Promise.all([page.waitForResponse(/invitations/), page.getByRole('link', { name: 'Try again' }).click()])
    assert.equal(again.request().method(), 'GET')
    assert.equal(again.status(), 503)
  })
})

const mails = readdirSync(TEST_DIR).filter((name) => /^mail-.*\.html$/.test(name))
await check('the unit tests have written mails', () => assert.ok(mails.length > 0))
for (const name of mails) {
  await check(`${name} is told`, () => visit({}, BLANK, async (page) => {
    await page.setContent(readFileSync(join(TEST_DIR, name), 'utf8'))
    const [button, text, ...others] = await page.getByRole('link').all()
    assert.deepEqual(others, [])
    assert.equal(await text.innerText(), await button.getAttribute('href'))
    assert.equal(await text.getAttribute('href'), await button.getAttribute('href'))
    assert.equal(await page.getByRole('table').count(), 0)
    if (name === 'mail-invitation-en.html' && options.includes('--pictures')) await takePicture(page, '.card', 'mail.png')
    await looksWell(page, name.replace('.html', ''), 'mail', NOT_OF_MAILS)
  }))
}

await browser.close()
server.stop()
const status = await server.ended
await check('the server has exited with status 0', () => assert.equal(status, 0))
rmSync(socketFolder, { recursive: true })
process.exitCode = failed > 0 ? 1 : 0
