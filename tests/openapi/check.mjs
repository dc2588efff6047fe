// usage: node check.mjs [--all]
// Checks server/api/openapi.json, and every exchange that the HTTP tests have recorded in $TEST_DIR/exchanges.jsonl
// against it. --all: fails if an operation occurs in no exchange.
import { readFileSync, readdirSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

const SHOWN = 20
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']
// The statuses of requests that are refused before their path is read.
const BEFORE_PATH = [400, 408, 411, 413, 417, 431, 501]
// Headers of HTTP itself, which the document does not list; Content-Type is given by the content.
const OF_EVERY_ANSWER = ['connection', 'content-length', 'content-type', 'date', 'server']

// Requests below this path are answered with pages.
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

// Resolves the $ref at a JSON pointer: returns the pointer of the target, and its value.
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

// Errors of $meta.omitted, which must name exactly the members that are missing, at every level of the schema. An
// object whose schema has required members is whole or missing.
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

// Errors of an answer, compared with a response of the document.
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
    if (!/^[1-9][0-9]*$/.test(headers.get('content-length'))) errors.push('content-length is missing')
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
    // HEAD is allowed wherever GET is, and is not an operation of its own, as info.description says.
    taken: methods.flatMap((method) => (method === 'get' ? ['get', 'head'] : [method])),
  }
})

// The template that matches a path, with parameters that match their schemas.
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
  // HEAD has the headers of GET.
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

// Errors of the answers to raw bytes. If the bytes are malformed, it is unknown which request an answer belongs to: the
// first answer belongs to the first request line, if there is one; any other must match some response of the document.
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
    if (!possible.some((e) => e.length === 0)) errors.push(`answer ${i + 1}, ${status}, is not in the document`)
  }
  return errors
}

// The JSON pointers of all values of the document that meet a condition.
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
  verdict('a $ref of openapi.json has no target', broken)

  const text = JSON.stringify(openapi)
  const kinds = Object.entries(openapi.components).filter(([kind]) => kind !== 'securitySchemes')
  verdict('a component of openapi.json is not used', kinds.flatMap(([kind, components]) =>
    Object.keys(components).map((name) => `#/components/${kind}/${name}`).filter((r) => !text.includes(`"${r}"`))))

  const parameters = templates.flatMap(({ path, methods }) => methods.flatMap((method) => {
    const item = openapi.paths[path]
    const given = [...(item.parameters ?? []), ...(item[method].parameters ?? [])]
      .map((p) => at(p.$ref.slice(1)).value).filter((p) => p.in === 'path').map((p) => p.name)
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1])
    return given.sort().join() === named.sort().join() ? [] : [`${method} ${path}: ${given}`]
  }))
  verdict('a path and its parameters do not agree', parameters)
  const ids = templates.flatMap(({ path, methods }) => methods.map((method) => openapi.paths[path][method].operationId))
  verdict('an operationId occurs twice', ids.filter((id, i) => ids.indexOf(id) !== i))

  // Each schema must compile, and each example must be valid by its schema.
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

// Compares the schema with the requests of tests/vectors and their verdicts. A schema counts characters, not bytes, and
// does not know IDNA.
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
      else verdict(`${file}: ${name}`, mistakes.length > 0 ? [] : [`the schema accepts what gets ${JSON.stringify(errors)}`])
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
  if (process.argv.includes('--all')) verdict('operations that no test has requested', unseen)
  else if (unseen.length > 0) console.log(`no test has requested\n    ${unseen.join('\n    ')}`)
  console.log(`${lines.length} exchanges of ${seen.size} operations`)
}

await checkDocument()
checkVectors()
checkExchanges()
if (failed > SHOWN) console.log(`and ${failed - SHOWN} more`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
