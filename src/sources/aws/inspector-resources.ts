/** What an Inspector finding is about, and how it can be reached over the network. */

import type { OcsfVersion } from '../../ocsf/facts.js'
import { isIp } from '../../ocsf/ip.js'
import { hasModernFindings, resourceOf, tagsOf } from './finding.js'
import type { Evidence, InspectedResource } from './inspector-columns.js'
import { redactJson } from './secrets.js'
import type { Taking } from './taking.js'
import { accountInArn, text } from './values.js'

/** Where each kind of resource says its name; newer findings describe a resource twice, the second time without AWS's terms. */
const NAMES: readonly (readonly [kind: string, name: string])[] = [
  ['awsLambdaFunction', 'functionName'],
  ['awsEcrContainerImage', 'repositoryName'],
  ['codeRepository', 'projectName'],
  ['vm', 'vmName'],
  ['image', 'repositoryName'],
  ['serverlessFunction', 'serverlessFunctionName'],
]

/** The resources, each with its details as `data`. `most` is how many the class has room for; others stay. */
export function resourcesOf(record: Taking, version: OcsfVersion, account: string | undefined, most = Number.POSITIVE_INFINITY): readonly InspectedResource[] {
  const resources: InspectedResource[] = []
  for (const item of record.list('resources', 'id')) {
    const uid = item.said('id')
    if (uid === undefined || resources.length === most) continue
    const details = item.at('details')
    const around = {
      version,
      account: item.text('providerAccountId') ?? accountInArn(uid) ?? account,
      region: item.text('region'),
      partition: item.text('partition'),
      isOwn: true,
    }
    const resource = resourceOf(item.text('type'), item.text('id'), nameIn(details), around, details)!
    resources.push({
      cloud_partition: resource.cloud_partition,
      data: resource.data,
      name: resource.name,
      owner: resource.owner,
      provider: version === '1.8.0' ? item.text('provider') : undefined,
      region: resource.region,
      tags: hasModernFindings(version) ? tagsOf(item) : undefined,
      type: resource.type,
      uid,
    })
  }
  return resources
}

function nameIn(details: Taking): string | undefined {
  for (const [kind, member] of NAMES) {
    const name = details.at(kind).said(member)
    if (name !== undefined) return name
  }
  return undefined
}

const INBOUND = 1
const PROTOCOLS: ReadonlyMap<string | undefined, { readonly name: string; readonly number: number }> = new Map([
  ['TCP', { name: 'tcp', number: 6 }],
  ['UDP', { name: 'udp', number: 17 }],
])

/** An open port and the path to it, before the resources are read; `undefined` when the finding says nothing of one. */
export function reachabilityOf(record: Taking): Evidence | undefined {
  const details = record.at('networkReachabilityDetails')
  if (details.rest() === undefined) return undefined
  const steps = details.at('networkPath').list('steps')
  const componentOf = (type: string) => steps.find(step => step.peek('componentType') === type)?.said('componentId')
  const resource = record.list('resources', 'id')[0]
  const instance = resource?.at('details').at('awsEc2Instance')
  const ip = addressIn(instance)
  const instance_uid = componentOf('AWS::EC2::Instance') ?? (resource?.peek('type') === 'AWS_EC2_INSTANCE' ? resource.said('id') : undefined)
  const interface_uid = componentOf('AWS::EC2::NetworkInterface')
  const isPlace = ip !== undefined || instance_uid !== undefined || interface_uid !== undefined
  const protocol = PROTOCOLS.get(details.said('protocol'))
  if (protocol !== undefined) details.text('protocol')
  return {
    connection_info: { direction_id: INBOUND, protocol_name: protocol?.name, protocol_num: protocol?.number },
    dst_endpoint: isPlace
      ? { ip, port: portIn(details.at('openPortRange')), instance_uid, interface_uid, subnet_uid: instance?.said('subnetId'), vpc_uid: instance?.said('vpcId') }
      : undefined,
    data: redactJson(details.handOver()),
  }
}

/** The port, where the range is of one; a range stays. */
function portIn(range: Taking): number | undefined {
  if (range.peek('begin') !== range.peek('end')) return undefined
  const port = range.whole('begin', 65535)
  if (port !== undefined) range.whole('end', 65535)
  return port
}

const PRIVATE = /^(?:10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./

/** The address that the internet reaches, else the first. */
function addressIn(instance: Taking | undefined): string | undefined {
  const all = [instance?.peek('ipV4Addresses'), instance?.peek('ipV6Addresses')].flatMap(list => (Array.isArray(list) ? list : []))
  const addresses = all.filter((address): address is string => typeof address === 'string' && isIp(address))
  return addresses.find(address => !PRIVATE.test(address)) ?? text(addresses[0])
}
