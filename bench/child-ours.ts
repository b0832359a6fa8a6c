/** One conversion in a process of its own: `<kind> <folder> <out> <jobs>`; prints what it took as JSON. */
import { convertFiles } from '../src/node/index.js'
import { cloudtrail } from '../src/sources/cloudtrail.js'
import { vpcFlow } from '../src/sources/vpc-flow.js'
import { measured } from './measure.js'

const [, , kind, folder, out, jobs] = process.argv
const source = kind === 'ct' ? cloudtrail : vpcFlow
const { result, cost } = await measured(() => convertFiles({ inputs: [folder!], out: out!, source, jobs: Number(jobs) }))
console.log(JSON.stringify({ ...cost, report: result }))
