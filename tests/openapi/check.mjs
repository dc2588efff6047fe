// usage: node check.mjs [--all]
// Checks server/api/openapi.json itself, and against it every exchange that the HTTP tests have recorded in
// $TEST_DIR/exchanges.jsonl. --all: an operation that no exchange has met is a failure.
import { readFileSync, readdirSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

const SHOWN = 20
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']
// What the server can say of a request before it looks at its path.
const BEFORE_PATH = [400, 408, 411, 413, 417, 431, 501]
// Headers that HTTP itself has; Content-Type is that of the content.
const OF_EVERY_ANSWER = ['connection', 'content-length', 'content-type', 'date', 'server']

// Whatever is below it is answered with a page.
const PAGES = '/invitations/'
const PAGE = '/invitations/{accountUserId}/{code}'

const root = new URL('../../', import.meta.url)
const openapi = JSON.parse(readFileSync(new URL('server/api/openapi.json', root), 'utf8'))
const ajv = addFormats(new Ajv({ allErrors: true, strict: true, strictRequired: false, strictTypes: false }))
let passed = 0
let failed = 0

function verdict(what, mistakes) {
  if (mistakes.length === 0) {
    passed++
    return
  }
  if (++failed <= SHOWN) console.log(`${what}\n    ${mistakes.slice(0, 8).join('\n    ')}`)
}

const escaped = (key) => key.replaceAll('~', '~0').replaceAll('/', '~1')

// The place that a place of the document refers to, as a JSON pointer, and what is there.
function at(pointer) {
  let value = openapi
  for (const key of pointer.split('/').slice(1)) value = value?.[key.replaceAll('~1', '/').replaceAll('~0', '~')]
  return value?.$ref === undefined ? { pointer, value } : at(value.$ref.slice(1))
}

const compiled = new Map()
function schemaErrors(pointer, value) {
  if (!compiled.has(pointer)) compiled.set(pointer, ajv.compile({ $ref: `openapi#${encodeURI(pointer)}` }))
  const validate = compiled.get(pointer)
  if (validate(value)) return []
  return validate.errors.map((e) => `${e.instancePath || '(all)'} ${e.message} ${JSON.stringify(e.params)}`)
}

// What is wrong with $meta.omitted: a member that is missing must be named there and one that is named must be
// missing. Followed through the schema; where a schema has required members of its own, all is there or nothing.
function omittedErrors(pointer, value, omitted, path = '') {
  const schema = at(pointer)
  if (value === null || value === undefined) return []
  if (schema.value.allOf) return omittedErrors(`${schema.pointer}/allOf/0`, value, omitted, path)
  if (schema.value.type === 'array')
    return value.flatMap((item) => omittedErrors(`${schema.pointer}/items`, item, omitted, path))
  if (schema.value.properties === undefined || (path !== '' && schema.value.required)) return []
  return Object.keys(schema.value.properties).flatMap((name) => {
    const here = path + name
    if (here === '$meta') return []
    if (omitted.includes(here)) return name in value ? [`${here} is there and in $meta.omitted`] : []
    if (!(name in value)) return [`${here} is missing and not in $meta.omitted`]
    return omittedErrors(`${schema.pointer}/properties/${escaped(name)}`, value[name], omitted, `${here}.`)
  })
}

function selectionErrors(pointer, body) {
  const schema = at(pointer).pointer
  if (Array.isArray(body?.data))
    return body.data.flatMap((item) => [
      ...omittedErrors(`${schema}/properties/data/items`, item, item.$meta?.omitted ?? []),
      ...(JSON.stringify(item.$meta?.omitted) === JSON.stringify(body.$meta?.omitted)
        ? [] : ['an item has another $meta.omitted than the list']),
    ])
  return body?.$meta?.omitted ? omittedErrors(schema, body, body.$meta.omitted) : []
}

function bodyErrors(pointer, text) {
  let body
  try {
    body = JSON.parse(text)
  } catch {
    return [`the body is not JSON: ${text.slice(0, 200)}`]
  }
  const errors = schemaErrors(pointer, body)
  return errors.length > 0 ? errors : selectionErrors(pointer, body)
}

const bytes = (text) => Buffer.from(text, 'latin1').toString('utf8')

function headersOf(text) {
  const headers = new Map()
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return headers
}

// What is wrong with an answer, held against a response of the document.
function responseErrors(pointer, exchange) {
  const response = at(pointer)
  const headers = headersOf(exchange.headers)
  const errors = []
  for (const name of Object.keys(response.value.headers ?? {})) {
    const header = at(`${response.pointer}/headers/${escaped(name)}`)
    const value = headers.get(name.toLowerCase())
    if (value !== undefined)
      errors.push(...schemaErrors(`${header.pointer}/schema`, value).map((e) => `header ${name}: ${e}`))
    else if (header.value.required) errors.push(`header ${name} is missing`)
  }
  const documented = Object.keys(response.value.headers ?? {}).map((name) => name.toLowerCase())
  for (const name of headers.keys())
    if (!documented.includes(name) && !OF_EVERY_ANSWER.includes(name)) errors.push(`header ${name} is not in the document`)
  const type = headers.get('content-type')
  const content = response.value.content
  if (content === undefined) return exchange.body === '' && type === undefined ? errors : [...errors, 'there is a body']
  if (content[type] === undefined) return [...errors, `the content-type is ${type}`]
  if (exchange.method === 'HEAD') {
    if (exchange.body !== '') errors.push('there is a body')
    if (!/^[1-9][0-9]*$/.test(headers.get('content-length'))) errors.push('the length of the body is not told')
    return errors
  }
  const schema = `${response.pointer}/content/${escaped(type)}/schema`
  const text = bytes(exchange.body)
  return [...errors, ...(/json$/.test(type) ? bodyErrors(schema, text) : schemaErrors(schema, text))]
}

const templates = Object.entries(openapi.paths).map(([path, item]) => {
  const methods = METHODS.filter((method) => item[method])
  return {
    path,
    pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
    methods,
    // HEAD comes with GET and is no operation of its own: info.description says so.
    taken: methods.flatMap((method) => (method === 'get' ? ['get', 'head'] : [method])),
  }
})

// The template of a path whose parameters all fit their schemas.
function templateOf(path) {
  return templates.find((template) => {
    const groups = path.match(template.pattern)
    return groups && Object.entries(groups.groups ?? {}).every(([name, value]) =>
      schemaErrors(`/components/parameters/${name}/schema`, value).length === 0)
  })
}

const seen = new Map()
function exchangeErrors(exchange) {
  const template = templateOf(exchange.path.split('?')[0])
  const method = template?.taken.find((m) => m.toUpperCase() === exchange.method)
  const status = String(exchange.status)
  if (method === undefined) {
    const expected = template ? 405 : 404
    if (exchange.status !== expected && !BEFORE_PATH.includes(exchange.status))
      return [`the document has no such ${template ? 'method' : 'path'}, so ${status} should be ${expected}`]
    const response = Object.keys(openapi.components.responses).find((name) =>
      openapi.components.responses[name].content?.['application/problem+json']?.example?.status === exchange.status)
    const errors = responseErrors(exchange.path.startsWith(PAGES)
      ? `/paths/${escaped(PAGE)}/get/responses/${status}` : `/components/responses/${response}`, exchange)
    const allow = headersOf(exchange.headers).get('allow')
    if (exchange.status === 405 && allow?.split(', ').sort().join() !== template.taken.map((m) => m.toUpperCase()).sort().join())
      errors.push(`Allow is ${allow}, and the document has ${template.taken}`)
    return errors
  }
  const place = `/paths/${escaped(template.path)}/${method}`
  seen.set(place, (seen.get(place) ?? new Set()).add(status))
  // What HEAD gets are the headers of GET.
  const operation = place.replace(/head$/, 'get')
  const { responses, requestBody } = at(operation).value
  if (responses[status] === undefined) return ['the document does not have this status here']
  const errors = responseErrors(`${operation}/responses/${status}`, exchange)
  if (requestBody !== undefined && exchange.status < 300) {
    const schema = `${operation}/requestBody/content/${escaped('application/json')}/schema`
    if (exchange.sent !== undefined) errors.push(...bodyErrors(schema, bytes(exchange.sent)).map((e) => `the request was taken: ${e}`))
  }
  return errors
}

// What is wrong with the answers to bytes that were sent as they are. Which of several requests an answer belongs to
// nobody can tell where the bytes are broken on purpose: the first belongs to the first line, where that is one, and
// any other has to be some response of the document.
function rawErrors({ sent, received }) {
  const errors = []
  const first = sent.match(/^([A-Z]+) (\S+) HTTP\/1\.[01]\r?\n/)
  for (let rest = received, i = 0; rest !== ''; i++) {
    const [all, status, headers] = rest.match(/^HTTP\/1\.1 (\d{3}) .*((?:\r\n.+)*)\r\n\r\n/) ?? []
    if (all === undefined) return [...errors, `not a response: ${rest.slice(0, 80)}`]
    const length = i === 0 && first?.[1] === 'HEAD' ? 0 : Number(headersOf(headers).get('content-length') ?? 0)
    const exchange = { status: Number(status), headers, body: rest.slice(all.length, all.length + length) }
    rest = rest.slice(all.length + length)
    if (status === '100') continue
    if (i === 0 && first) {
      // RFC 9112, section 3.2.2: a target may name the scheme and the authority.
      errors.push(...exchangeErrors({ ...exchange, method: first[1], path: first[2].replace(/^https?:\/\/[^/?]+/i, '') }))
      continue
    }
    const possible = [...places((v, p) => p.endsWith(`/responses/${status}`))].map((p) => responseErrors(p, exchange))
    if (!possible.some((e) => e.length === 0)) errors.push(`answer ${i + 1}, ${status}, is none of the document`)
  }
  return errors
}

// Every place of the document that something is true of, as JSON pointers.
function* places(wanted, value = openapi, pointer = '') {
  if (typeof value !== 'object' || value === null) return
  if (wanted(value, pointer)) yield pointer
  for (const [key, member] of Object.entries(value)) yield* places(wanted, member, `${pointer}/${escaped(key)}`)
}

async function checkDocument() {
  const { valid, errors } = await new Validator().validate(structuredClone(openapi))
  verdict('openapi.json is not OpenAPI 3.1', valid ? [] : [errors].flat().map((e) =>
    typeof e === 'string' ? e : `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`))

  const broken = [...places((v) => typeof v.$ref === 'string')].filter((p) => {
    let value = openapi
    for (const key of p.split('/').slice(1)) value = value[key.replaceAll('~1', '/').replaceAll('~0', '~')]
    return at(value.$ref.slice(1)).value === undefined
  })
  verdict('a reference of openapi.json leads nowhere', broken)

  const text = JSON.stringify(openapi)
  const kinds = Object.entries(openapi.components).filter(([kind]) => kind !== 'securitySchemes')
  verdict('a component of openapi.json is used nowhere', kinds.flatMap(([kind, components]) =>
    Object.keys(components).map((name) => `#/components/${kind}/${name}`).filter((r) => !text.includes(`"${r}"`))))

  const parameters = templates.flatMap(({ path, methods }) => methods.flatMap((method) => {
    const item = openapi.paths[path]
    const given = [...(item.parameters ?? []), ...(item[method].parameters ?? [])]
      .map((p) => at(p.$ref.slice(1)).value).filter((p) => p.in === 'path').map((p) => p.name)
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1])
    return given.sort().join() === named.sort().join() ? [] : [`${method} ${path}: ${given}`]
  }))
  verdict('a path and its parameters do not fit', parameters)
  const ids = templates.flatMap(({ path, methods }) => methods.map((method) => openapi.paths[path][method].operationId))
  verdict('an operationId is there twice', ids.filter((id, i) => ids.indexOf(id) !== i))

  // Compiling a schema finds what is no JSON Schema; each example has to be valid under its own.
  ajv.addVocabulary(Object.keys(openapi))
  ajv.addSchema(openapi, 'openapi', undefined, false)
  for (const name of Object.keys(openapi.components.schemas)) {
    const pointer = `/components/schemas/${name}`
    let mistakes = []
    try {
      if (!ajv.validateSchema(openapi.components.schemas[name])) mistakes = ajv.errors.map((e) => `${e.instancePath} ${e.message}`)
      for (const example of openapi.components.schemas[name].examples ?? []) mistakes.push(...schemaErrors(pointer, example))
      schemaErrors(pointer, null)
    } catch (error) {
      mistakes.push(error.message)
    }
    verdict(`the schema ${name}`, mistakes)
  }
  for (const pointer of places((v) => v.schema !== undefined && (v.example !== undefined || v.examples !== undefined))) {
    const value = at(pointer).value
    const examples = value.examples ? Object.keys(value.examples).map((e) => at(`${pointer}/examples/${escaped(e)}`).value.value) : []
    if (value.example !== undefined) examples.push(value.example)
    verdict(`an example of ${pointer}`, examples.flatMap((example) =>
      [...schemaErrors(`${pointer}/schema`, example), ...selectionErrors(`${pointer}/schema`, example)]))
  }
}

// The requests of tests/vectors, whose verdicts C and SQL give too. A schema counts characters and not bytes, and knows
// no IDNA.
function checkVectors() {
  const folder = new URL('tests/vectors/', root)
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.jsonl'))) {
    for (const line of readFileSync(new URL(file, folder), 'utf8').split('\n').filter(Boolean)) {
      const { name, request, errors } = JSON.parse(line)
      const email = String(request?.user?.email)
      if (request === undefined || (errors !== null && Buffer.byteLength(email) > email.length)) continue
      if (/bytes|IDNA/.test(JSON.stringify(errors))) continue
      const mistakes = schemaErrors('/components/schemas/Invite', request)
      if (errors === null) verdict(`${file}: ${name}`, mistakes)
      else verdict(`${file}: ${name}`, mistakes.length > 0 ? [] : [`the schema takes what gets ${JSON.stringify(errors)}`])
    }
  }
}

function checkExchanges() {
  let lines = []
  try {
    lines = readFileSync(`${process.env.TEST_DIR}/exchanges.jsonl`, 'utf8').split('\n').filter(Boolean)
  } catch (error) {
    console.log(error.message)
  }
  verdict('no exchange was recorded', lines.length > 0 ? [] : ['run the HTTP tests first, with TEST_DIR set'])
  for (const line of lines) {
    const exchange = JSON.parse(line)
    if (exchange.received === undefined)
      verdict(`${exchange.method} ${exchange.path} ${exchange.status}`, exchangeErrors(exchange))
    else verdict(`the answer to ${JSON.stringify(exchange.sent.slice(0, 80))}`, rawErrors(exchange))
  }
  const unseen = templates.flatMap(({ path, taken }) => taken
    .filter((method) => !seen.has(`/paths/${escaped(path)}/${method}`)).map((method) => `${method.toUpperCase()} ${path}`))
  if (process.argv.includes('--all')) verdict('operations that no test has asked for', unseen)
  else if (unseen.length > 0) console.log(`no test has asked for\n    ${unseen.join('\n    ')}`)
  console.log(`${lines.length} exchanges of ${seen.size} operations`)
}

await checkDocument()
checkVectors()
checkExchanges()
if (failed > SHOWN) console.log(`and ${failed - SHOWN} more`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
