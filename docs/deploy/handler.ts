/** The function. Where it writes stands in its environment, where the construct says it. */
import { createHandler } from 'ocsf-lake/lambda'
import { vpcFlow } from 'ocsf-lake/sources/vpc-flow'

export const handler = createHandler({ sources: [vpcFlow] })
