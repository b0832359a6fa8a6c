/** aws-cdk-lib and constructs, loaded module by module, so that a missing package is told in one sentence. */
import { createRequire } from 'node:module'
import { OcsfLakeError } from '../errors.js'

// Not import(): an app in CommonJS loads this door with require(), which a module that awaits refuses.
const require = createRequire(import.meta.url)

/** @throws OcsfLakeError `peer_missing` */
function load<Module>(name: string): Module {
  try {
    return require(name) as Module // the name says the type, in the lines below
  } catch (cause) {
    throw new OcsfLakeError('peer_missing', 'ocsf-lake/cdk needs the packages aws-cdk-lib and constructs: npm install aws-cdk-lib constructs', { cause })
  }
}

export const { Construct }: Pick<typeof import('constructs'), 'Construct'> = load('constructs')
export const core: typeof import('aws-cdk-lib/core') = load('aws-cdk-lib/core')
export const actions: typeof import('aws-cdk-lib/aws-cloudwatch-actions') = load('aws-cdk-lib/aws-cloudwatch-actions')
export const cloudwatch: typeof import('aws-cdk-lib/aws-cloudwatch') = load('aws-cdk-lib/aws-cloudwatch')
export const events: typeof import('aws-cdk-lib/aws-events') = load('aws-cdk-lib/aws-events')
export const iam: typeof import('aws-cdk-lib/aws-iam') = load('aws-cdk-lib/aws-iam')
export const kms: typeof import('aws-cdk-lib/aws-kms') = load('aws-cdk-lib/aws-kms')
export const lambda: typeof import('aws-cdk-lib/aws-lambda') = load('aws-cdk-lib/aws-lambda')
export const nodejs: typeof import('aws-cdk-lib/aws-lambda-nodejs') = load('aws-cdk-lib/aws-lambda-nodejs')
export const logs: typeof import('aws-cdk-lib/aws-logs') = load('aws-cdk-lib/aws-logs')
export const s3: typeof import('aws-cdk-lib/aws-s3') = load('aws-cdk-lib/aws-s3')
export const sns: typeof import('aws-cdk-lib/aws-sns') = load('aws-cdk-lib/aws-sns')
export const sqs: typeof import('aws-cdk-lib/aws-sqs') = load('aws-cdk-lib/aws-sqs')
export const stepfunctions: typeof import('aws-cdk-lib/aws-stepfunctions') = load('aws-cdk-lib/aws-stepfunctions')
