/** The resources of a GuardDuty finding, under the names that GuardDuty has for their types. */
import { type Resource, resourceOf, type Surroundings } from './finding.js'
import type { Taking } from './taking.js'

/** Type, member of `resource`, ARN and name: where each kind of resource says them. */
const KINDS: readonly (readonly [type: string, member: string, arn: string | undefined, name: string | undefined])[] = [
  ['Instance', 'instanceDetails', undefined, 'instanceId'],
  ['EKSCluster', 'eksClusterDetails', 'arn', 'name'],
  ['ECSCluster', 'ecsClusterDetails', 'arn', 'name'],
  ['Container', 'containerDetails', 'id', 'name'],
  ['RDSDBInstance', 'rdsDbInstanceDetails', 'dbInstanceArn', 'dbInstanceIdentifier'],
  ['RDSLimitlessDB', 'rdsLimitlessDbDetails', 'dbShardGroupArn', 'dbShardGroupIdentifier'],
  ['Lambda', 'lambdaDetails', 'functionArn', 'functionName'],
  ['EBSSnapshot', 'ebsSnapshotDetails', 'snapshotArn', undefined],
  ['EC2Image', 'ec2ImageDetails', 'imageArn', undefined],
  ['RecoveryPoint', 'recoveryPointDetails', 'recoveryPointArn', undefined],
]

/** Roles and bindings of Kubernetes that the action made or changed. */
const GRANTS = [
  ['RoleBinding', 'kubernetesRoleBindingDetails'],
  ['Role', 'kubernetesRoleDetails'],
] as const

export function resourcesOf(resource: Taking, service: Taking, around: Surroundings): readonly Resource[] {
  const all: Resource[] = []
  const add = (type: string, details: Taking, arn: string | undefined, name: string | undefined): void => {
    const found = resourceOf(type, arn === undefined ? undefined : details.text(arn), name === undefined ? undefined : details.text(name), around, details)
    if (found !== undefined) all.push(found)
  }

  add('AccessKey', resource.at('accessKeyDetails'), 'accessKeyId', 'userName')
  for (const bucket of resource.list('s3BucketDetails', 'arn')) {
    for (const object of bucket.list('s3ObjectDetails')) add('S3Object', object, 'objectArn', 'key')
    add('S3Bucket', bucket, 'arn', 'name')
  }
  // what is inside goes first: it is not to be told again with what it is in
  const workload = resource.at('kubernetesDetails').at('kubernetesWorkloadDetails')
  for (const container of workload.list('containers')) add('Container', container, 'id', 'name')
  add('KubernetesWorkload', workload, 'uid', 'name')
  const granted = service.at('action')
  for (const [type, member] of GRANTS) add(granted.at(member).said('kind') ?? type, granted.at(member), 'uid', 'name')
  const task = resource.at('ecsClusterDetails').at('taskDetails')
  for (const container of task.list('containers')) add('Container', container, 'id', 'name')
  add('ECSTask', task, 'arn', undefined)
  const volumes = resource.at('ebsVolumeDetails')
  for (const volume of volumes.list('scannedVolumeDetails')) add('EBSVolume', volume, 'volumeArn', undefined)
  for (const volume of volumes.list('skippedVolumeDetails')) add('EBSVolume', volume, 'volumeArn', undefined)
  for (const [type, member, arn, name] of KINDS) if (resource.peek(member) !== undefined) add(type, resource.at(member), arn, name)

  const stated = resource.peek('resourceType')
  // that of the finding first
  const [first, rest] = [all.filter(({ type }) => type === stated), all.filter(({ type }) => type !== stated)]
  if (first.length > 0) resource.text('resourceType')
  return [...first, ...rest]
}
