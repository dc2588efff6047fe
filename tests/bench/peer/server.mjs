// The same service in a common framework, for comparison: Fastify with schema validation and pg, which calls the same
// procedure with one invitation per call. Needs DATABASE_URL and PORT; prints "listening" when it is ready.
import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 32 })
const id = (prefix) => ({
  type: 'object', additionalProperties: false, required: ['id'],
  properties: { id: { type: 'string', pattern: `^${prefix}-[0-9]{4}-[0-9]{4}$` } },
})
const name = { type: 'string', minLength: 1, maxLength: 100 }
const tag = { type: ['string', 'null'], maxLength: 35 }
const body = {
  type: 'object', additionalProperties: false, required: ['user'],
  properties: {
    user: {
      type: 'object', additionalProperties: false, required: ['email', 'firstName', 'lastName'],
      properties: {
        email: { type: 'string', format: 'email', maxLength: 254 },
        firstName: name,
        lastName: name,
        phone: {
          type: ['object', 'null'], additionalProperties: false,
          properties: {
            prefix: { type: ['string', 'null'], pattern: '^\\+[0-9]{1,4}$' },
            number: { type: ['string', 'null'], pattern: '^[0-9]{1,15}$' },
          },
        },
        settings: {
          type: ['object', 'null'], additionalProperties: false,
          properties: { cultureCode: tag, languageCode: tag },
        },
      },
    },
    account: id('ACC'),
    groups: { type: 'array', minItems: 1, maxItems: 100, items: id('UGR') },
    invitation: {
      type: 'object', additionalProperties: false, properties: { status: { const: 'Invited' } },
    },
  },
}
const statement = {
  name: 'create',
  text: 'select api.create_account_user($1::jsonb, $2, $3)::text as body',
}

const app = Fastify({ logger: false })
app.post('/public/v1/accounts/account-users', { schema: { body } }, async (request, reply) => {
  const [, token, secret] = (request.headers.authorization ?? '').split(':')
  const hash = createHash('sha256').update(secret ?? '').digest('hex')
  try {
    const { rows } = await pool.query({
      ...statement, values: [JSON.stringify(request.body), `${token}:${hash}`, request.headers.traceparent ?? null],
    })
    reply.code(201).type('application/json').send(rows[0].body)
  } catch (error) {
    const status = /^PT(\d{3})$/.exec(error.code ?? '')?.[1] ?? 500
    reply.code(Number(status)).type('application/problem+json').send({ status: Number(status), detail: error.message })
  }
})
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
console.log('listening')
