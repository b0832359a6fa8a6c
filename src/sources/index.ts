/** Every built-in source, in the order the docs list them. */
import { cloudtrail } from './cloudtrail.js'
import type { AnySource } from './source.js'
import { tgwFlow } from './tgw-flow.js'
import { vpcFlow } from './vpc-flow.js'

export const SOURCES: readonly AnySource[] = [cloudtrail, vpcFlow, tgwFlow]
