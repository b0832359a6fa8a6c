/**
 * The handler of a Lambda function over objects of one kind and size, in a process of its own that its parent may hold
 * back. Prints what it took as JSON once it is told to begin by a line on its standard input.
 *
 *     child-capacity <endpoint> <source> <key prefix> <objects>
 */
import { createInterface } from 'node:readline'
import { createHandler } from '../src/node/lambda/index.js'
import { cloudtrail } from '../src/sources/cloudtrail.js'
import { vpcFlow } from '../src/sources/vpc-flow.js'
import { measured } from './measure.js'

const [endpoint = '', source = '', prefix = '', objects = '0'] = process.argv.slice(2)
const handler = createHandler({
  lake: `s3://lake/${process.pid}`,
  sources: [source === 'cloudtrail' ? cloudtrail : vpcFlow],
  s3: { region: 'us-east-1', endpoint },
  log: () => {},
})
const context = { getRemainingTimeInMillis: () => 900_000 }
const convert = (first: number, last: number) =>
  handler(
    { Items: Array.from({ length: last - first }, (_, n) => ({ Key: `${prefix}/${first + n}.gz` })), BatchInput: { bucket: 'logs', undone: 'return' } },
    context,
  )

const warm = Math.max(1, Math.ceil(Number(objects) / 5))
await convert(0, warm) // an execution environment is used for many batches
console.log('ready')
for await (const _ of createInterface({ input: process.stdin })) break
const { result, cost } = await measured(() => convert(0, Number(objects)))
console.log(JSON.stringify({ ...cost, result }))
process.exit(0)
