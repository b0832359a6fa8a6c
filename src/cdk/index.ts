/** The `ocsf-lake/cdk` door: the deployment as one construct of the AWS CDK. */
export type { SecurityLakeTarget } from '../lake/security-lake.js'
export type { Alarms } from './alarms.js'
export { OcsfLake } from './ocsf-lake.js'
export type { AlarmSettings, BackfillSettings, HandlerCode, Lifecycle, OcsfLakeProps, Place, RawLogs } from './props.js'
