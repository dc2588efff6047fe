// Compares the documented answer of a command with its output. In a page, `...` stands for the rest of an object, an
// array, a string or a line, or, on a line of its own, for any number of lines. Ids, times, secrets and traces differ
// from run to run, so only their form is compared.

const REST = Symbol('...')
const VARYING = ['duration_ms', 'bytes', 'position']
const MASKS = [
  [/\b(A?USR|ACC|UGR|BUY|MOD|TKN)(-\d{4})+\b/g, '$1-'],
  [/\b\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z?)?/g, 'TIME'],
  [/\b[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b/g, 'TRACE'],
  [/\b[0-9a-f]{32}\b/g, 'TRACE'],
  [/(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g, 'SECRET'],
]

const mask = (text) => MASKS.reduce((masked, [pattern, by]) => masked.replace(pattern, by), text)

// Parses JSON that may contain `...`.
function parseJson(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|\.\.\.|[{}[\],:]|[^\s{}[\],:"]+/g) ?? []
  let at = 0
  const take = () => tokens[at++]
  function value() {
    const token = take()
    if (token === '...') return REST
    if (token === '{') {
      const members = new Map()
      while (tokens[at] !== '}') {
        if (at >= tokens.length) throw new Error('the object of the page does not end')
        if (tokens[at] === '...') {
          take()
          members.set(REST, true)
        } else {
          const name = JSON.parse(take())
          take()
          members.set(name, value())
        }
        if (tokens[at] === ',') take()
      }
      take()
      return members
    }
    if (token === '[') {
      const items = []
      while (tokens[at] !== ']') {
        if (at >= tokens.length) throw new Error('the array of the page does not end')
        items.push(value())
        if (tokens[at] === ',') take()
      }
      take()
      return items
    }
    return JSON.parse(token)
  }
  return value()
}

function compareText(expected, actual) {
  const [a, b] = [mask(expected), mask(actual)]
  return a === b || (a.endsWith('...') && b.startsWith(a.slice(0, -3)))
}

// The path of the first difference, undefined for none.
function compareJson(expected, actual, path = '$') {
  if (expected === REST) return undefined
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return `${path} is no array`
    const items = expected.filter((item) => item !== REST)
    if (items.length === expected.length ? actual.length !== items.length : actual.length < items.length)
      return `${path} has ${actual.length} items`
    for (const [i, item] of items.entries()) {
      const difference = compareJson(item, actual[i], `${path}[${i}]`)
      if (difference) return difference
    }
    return undefined
  }
  if (expected instanceof Map) {
    if (actual === null || typeof actual !== 'object' || Array.isArray(actual)) return `${path} is no object`
    const names = Object.keys(actual)
    const more = expected.has(REST) ? undefined : names.find((name) => !expected.has(name))
    if (more !== undefined) return `${path} has ${more}, which is not in the page`
    for (const [name, item] of expected) {
      if (name === REST) continue
      if (!names.includes(name)) return `${path} has no ${name}`
      if (VARYING.includes(name) && typeof item === typeof actual[name]) continue
      const difference = compareJson(item, actual[name], `${path}.${name}`)
      if (difference) return difference
    }
    return undefined
  }
  if (typeof expected === 'string' && typeof actual === 'string')
    return compareText(expected, actual) ? undefined : `${path} is ${actual}`
  return expected === actual ? undefined : `${path} is ${JSON.stringify(actual)}`
}

// The widths of psql's columns, and the line below the header, depend on the values, so they are not compared.
const readLines = (text) => mask(text).split('\n')
  .map((line) => line.replace(/-{2,}/g, '-').replace(/\s+/g, ' ').trim())
  .filter((line) => line !== '')

function compareLines(expected, actual) {
  if (expected.length === 0) return actual.length === 0
  if (expected[0] === '...')
    return [...actual, ''].some((_, i) => compareLines(expected.slice(1), actual.slice(i)))
  if (actual.length === 0) return false
  const isSame = expected[0] === actual[0] ||
    (expected[0].endsWith('...') && actual[0].startsWith(expected[0].slice(0, -3).trimEnd()))
  return isSame && compareLines(expected.slice(1), actual.slice(1))
}

export function parseAnswer(tag, text) {
  if (tag === 'text') return { tag, lines: readLines(text) }
  if (tag === 'json') return { tag, body: parseJson(text) }
  const [head, ...body] = text.split('\n\n')
  const [status, ...headers] = head.split('\n')
  return { tag, status, headers, body: body.length > 0 ? parseJson(body.join('\n\n')) : undefined }
}

function compareLastJson(expected, lines) {
  const line = lines.findLast((candidate) => /^\s*[{[]/.test(candidate))
  if (line === undefined) return `there is no JSON in\n${lines.join('\n')}`
  const difference = compareJson(expected, JSON.parse(line))
  return difference && `${difference}; it answers\n${line}`
}

// The difference of a command's output from the answer, or undefined.
export function findDifference(answer, output) {
  if (answer.tag === 'text')
    return compareLines(answer.lines, readLines(output)) ? undefined : `it answers\n${output}`
  if (answer.tag === 'json') return compareLastJson(answer.body, output.split('\n'))
  const lines = output.slice(output.lastIndexOf('HTTP/1.1 ')).split(/\r?\n/)
  const end = lines.indexOf('')
  const headers = lines.slice(1, end).map((line) => mask(line).toLowerCase())
  const missing = answer.headers.find((header) => !headers.includes(mask(header).toLowerCase()))
  if (lines[0] !== answer.status) return `it answers ${lines[0]}`
  if (missing !== undefined) return `there is no ${missing} in\n${output}`
  return answer.body === undefined ? undefined : compareLastJson(answer.body, lines.slice(end + 1))
}
