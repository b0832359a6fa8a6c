/** What GuardDuty saw: the action, the process, the files and threats of a scan, each as an evidence. */

import type { OcsfVersion } from '../../ocsf/facts.js'
import { isIp } from '../../ocsf/ip.js'
import { domainName, transportOf } from './dns.js'
import { hasModernFindings } from './finding.js'
import type { Container, Endpoint, Evidence, File, Malware, Process, User } from './guardduty-columns.js'
import { credentialOf, directionOf, fileAt, fileOf, portOf, processOf, remoteOf } from './guardduty-parts.js'
import { redactUrl } from './secret-urls.js'
import { redactJson } from './secrets.js'
import { filled, type Taking } from './taking.js'

/** Who acted, as the resource of the finding names them. */
export function callerOf(resource: Taking, remoteAccount: string | undefined, account: string | undefined, version: OcsfVersion): User | undefined {
  const key = resource.at('accessKeyDetails')
  const kubernetes = resource.at('kubernetesDetails').at('kubernetesUserDetails')
  const name = key.text('userName')
  const principal = key.text('principalId')
  const owner = remoteAccount ?? account
  if (name !== undefined || principal !== undefined || remoteAccount !== undefined) {
    const type = key.text('userType')
    const isNamed = name !== undefined || owner !== undefined
    return {
      name,
      uid: isNamed ? undefined : principal,
      uid_alt: isNamed ? principal : undefined,
      type_id: type === undefined ? undefined : 99,
      type,
      account: owner === undefined ? undefined : { uid: owner },
      ...credentialOf(key.text('accessKeyId'), version),
    }
  }
  const user = kubernetes.text('username')
  const uid = kubernetes.text('uid')
  return user === undefined && uid === undefined ? undefined : { name: user, uid, groups: kubernetes.texts('groups')?.map(group => ({ name: group })) }
}

/** The side of the connection that is AWS's: what the finding says of the instance and its only network interface. */
function localOf(resource: Taking): Endpoint {
  const instance = resource.at('instanceDetails')
  const interfaces = instance.list('networkInterfaces', 'networkInterfaceId')
  const only = interfaces.length === 1 ? interfaces[0] : undefined
  const ip = only?.said('privateIpAddress')
  return {
    ip: ip !== undefined && isIp(ip) ? ip : undefined,
    instance_uid: instance.said('instanceId'),
    interface_uid: only?.said('networkInterfaceId'),
    subnet_uid: only?.said('subnetId'),
    vpc_uid: only?.said('vpcId'),
  }
}

function isEndpoint({ ip, instance_uid, interface_uid }: Endpoint): boolean {
  return (ip ?? instance_uid ?? interface_uid) !== undefined
}

interface Seen {
  readonly evidences: readonly Evidence[]
  /** Whether AWS kept the traffic from going on. */
  readonly blocked: boolean | undefined
}

/** The action of a finding. What OCSF has no attribute for stays with it, in `data`. */
export function actionOf(service: Taking, resource: Taking, version: OcsfVersion): Seen {
  const action = service.at('action')
  const isModern = hasModernFindings(version)
  const evidences: Evidence[] = []
  let blocked: boolean | undefined

  const call = action.at('awsApiCallAction')
  const operation = call.text('api')
  if (operation !== undefined) {
    const name = call.text('serviceName')
    const error = call.text('errorCode')
    const remote = remoteOf(call.at('remoteIpDetails'), version)
    const domain = call.at('domainDetails').text('domain')
    const agent = isModern ? call.text('userAgent') : undefined
    evidences.push({
      api: { operation, service: name === undefined ? undefined : { name }, response: error === undefined ? undefined : { error } },
      src_endpoint: domain === undefined ? remote : { ...remote, hostname: domain },
      http_request: agent === undefined ? undefined : { user_agent: agent },
      data: redactJson(call.handOver()),
    })
  }

  const dns = action.at('dnsRequestAction')
  const hostname = dns.text('domain')
  if (hostname !== undefined) {
    const local = localOf(resource)
    blocked ??= dns.flag('blocked')
    evidences.push({
      query: { hostname: domainName(hostname) },
      src_endpoint: isEndpoint(local) ? local : undefined,
      connection_info: transportOf(dns.text('protocol')),
      data: dns.handOver(),
    })
  }

  const connection = action.at('networkConnectionAction')
  const peer = remoteOf(connection.at('remoteIpDetails'), version, connection.at('remotePortDetails'))
  if (peer !== undefined) {
    const direction = directionOf(connection, 'connectionDirection')
    const transport = transportOf(connection.text('protocol'))
    const local = localSide(connection, resource)
    const isInbound = direction.direction_id === 1
    blocked ??= connection.flag('blocked')
    evidences.push({
      connection_info: { protocol_name: transport?.protocol_name, protocol_num: transport?.protocol_num, ...direction },
      src_endpoint: isInbound ? peer : local,
      dst_endpoint: isInbound ? local : peer,
      data: connection.handOver(),
    })
  }

  const probe = action.at('portProbeAction')
  for (const detail of probe.list('portProbeDetails')) {
    const source = remoteOf(detail.at('remoteIpDetails'), version)
    if (source === undefined) continue
    evidences.push({ connection_info: { direction_id: 1 }, src_endpoint: source, dst_endpoint: localSide(detail, resource), data: detail.handOver() })
  }
  blocked ??= probe.flag('blocked')

  const kubernetes = action.at('kubernetesApiCallAction')
  const verb = kubernetes.text('verb')
  if (verb !== undefined) {
    const code = kubernetes.whole('statusCode')
    // until 1.5 an evidence has no request: a URL from 1.3, and neither in 1.1
    const path = version === '1.1.0' ? undefined : kubernetes.text('requestUri')
    const url = path === undefined ? undefined : { path: redactUrl(path) }
    const agent = isModern ? kubernetes.text('userAgent') : undefined
    evidences.push({
      api: { operation: verb, response: code === undefined ? undefined : { code } },
      src_endpoint: kubernetesClient(kubernetes, version),
      http_request: isModern ? filled({ user_agent: agent, url }) : undefined,
      url: isModern ? undefined : url,
      data: redactJson(kubernetes.handOver()),
    })
  }

  const permission = action.at('kubernetesPermissionCheckedDetails')
  const asked = permission.text('verb')
  if (asked !== undefined) evidences.push({ api: { operation: asked }, data: permission.handOver() })

  const login = action.at('rdsLoginAttemptAction')
  const client = remoteOf(login.at('remoteIpDetails'), version)
  const attempts = login.list('LoginAttributes')
  for (const attempt of attempts) {
    const user = attempt.text('user')
    evidences.push({ actor: user === undefined ? undefined : { user: { name: user } }, src_endpoint: client, data: attempt.handOver() })
  }
  const signedIn = databaseUser(resource, version)
  if (signedIn !== undefined || (client !== undefined && attempts.length === 0)) evidences.push({ ...signedIn, src_endpoint: client })

  return { evidences: evidences.filter(hasEvidence), blocked }
}

function localSide(details: Taking, resource: Taking): Endpoint | undefined {
  const local = localOf(resource)
  const address = details.at('localIpDetails')
  const ip = address.ip('ipAddressV4') ?? address.ip('ipAddressV6')
  const own = details.text('localNetworkInterface')
  const side = { ...local, ip: ip ?? local.ip, interface_uid: own ?? local.interface_uid }
  return isEndpoint(side) ? { ...side, ...portOf(details.at('localPortDetails')) } : undefined
}

/** `sourceIPs` is who called and the proxies between. */
function kubernetesClient(action: Taking, version: OcsfVersion): Endpoint | undefined {
  const remote = remoteOf(action.at('remoteIpDetails'), version)
  const listed = action.peek('sourceIPs') ?? action.peek('sourceIps')
  const areIps = Array.isArray(listed) && listed.length > 0 && listed.every(item => typeof item === 'string' && isIp(item))
  if (!areIps) return remote
  const ips = action.texts('sourceIPs') ?? action.texts('sourceIps') ?? []
  const ip = remote?.ip ?? ips[0]
  const between = ips.filter(item => item !== ip)
  return { ...remote, ip, intermediate_ips: between.length === 0 ? undefined : between }
}

const RELATIONAL = 1

function databaseUser(resource: Taking, version: OcsfVersion): Evidence | undefined {
  const details = resource.at('rdsDbUserDetails')
  const user = details.text('user')
  const database = version === '1.1.0' ? undefined : details.text('database')
  const data = details.handOver()
  if (user === undefined && database === undefined && data === undefined) return undefined
  return {
    actor: user === undefined ? undefined : { user: { name: user } },
    database: database === undefined ? undefined : { name: database, type_id: RELATIONAL },
    data,
  }
}

function hasEvidence({ actor, api, connection_info, data, dst_endpoint, file, process, query, src_endpoint }: Evidence): boolean {
  return (actor ?? api ?? connection_info ?? data ?? dst_endpoint ?? file ?? process ?? query ?? src_endpoint) !== undefined
}

export interface Runtime {
  /** The process that acted. */
  readonly process: Process | undefined
  /** Other processes, and files that took part. */
  readonly evidences: readonly Evidence[]
}

const CONTEXT_FILES: readonly (readonly [path: string, hash?: string])[] = [
  ['scriptPath'],
  ['libraryPath'],
  ['socketPath'],
  ['runcBinaryPath'],
  ['releaseAgentPath'],
  ['moduleFilePath', 'moduleSha256'],
  ['shellHistoryFilePath'],
  ['threatFilePath'],
]

/** What Runtime Monitoring saw: the process with its ancestors, the processes it touched, and the files. */
export function runtimeOf(service: Taking, version: OcsfVersion): Runtime {
  const details = service.at('runtimeDetails')
  const process = processOf(details.at('process'), version)
  const context = details.at('context')
  const evidences: Evidence[] = []
  for (const key of ['modifyingProcess', 'targetProcess']) {
    const other = processOf(context.at(key), version)
    if (other !== undefined) evidences.push({ process: other, actor: key === 'modifyingProcess' ? { process: other } : undefined })
  }
  for (const [key, hash] of CONTEXT_FILES) {
    const file = fileAt(context, key, hash)
    if (file !== undefined) evidences.push({ file })
  }
  return { process, evidences }
}

export interface Scan {
  readonly malware: readonly Malware[]
  readonly evidences: readonly Evidence[]
}

/** The threats that a malware scan of a volume, an object or a backup found, and the files it found them in. */
export function scanOf(service: Taking): Scan {
  const malware: Malware[] = []
  const evidences: Evidence[] = []
  const files = (items: readonly Taking[], path: string, name?: string): void => {
    for (const item of items) {
      const file = foundIn(item, path, name)
      if (file !== undefined) evidences.push({ file, data: item.handOver() })
    }
  }
  for (const threat of service.at('ebsVolumeScanDetails').at('scanDetections').at('threatDetectedByName').list('threatNames', 'name')) {
    const name = threat.text('name')
    if (name !== undefined) malware.push({ name, classification_ids: UNKNOWN_KIND })
    files(threat.list('filePaths'), 'filePath', 'fileName')
  }
  for (const threat of service.at('malwareScanDetails').list('threats', 'name')) {
    const name = threat.text('name')
    if (name !== undefined) malware.push({ name, classification_ids: UNKNOWN_KIND, provider: threat.text('source') })
    files(threat.list('itemPaths'), 'nestedItemPath')
    files(threat.list('itemDetails'), 'itemPath')
  }
  return { malware, evidences }
}

const UNKNOWN_KIND = [0] as const

function foundIn(item: Taking, pathKey: string, nameKey: string | undefined): File | undefined {
  const name = nameKey === undefined ? undefined : item.text(nameKey)
  return name === undefined ? fileAt(item, pathKey, 'hash') : fileOf(item.text(pathKey), item.text('hash'), name)
}

/** The container that it happened in, where it is the only one of the finding; it stays among the resources. Not in 1.1. */
export function containerOf(resource: Taking, version: OcsfVersion): Container | undefined {
  if (version === '1.1.0') return undefined
  const own = resource.at('containerDetails')
  const inPod = resource.at('kubernetesDetails').at('kubernetesWorkloadDetails').list('containers')
  const inTask = resource.at('ecsClusterDetails').at('taskDetails').list('containers')
  const all = [own, ...inPod, ...inTask].filter(details => (details.said('id') ?? details.said('name')) !== undefined)
  const details = all[0]
  if (details === undefined || all.length > 1) return undefined
  const image = details.said('image')
  return {
    uid: details.said('id'),
    name: details.said('name'),
    runtime: details.said('containerRuntime'),
    image: image === undefined ? undefined : { uid: image },
  }
}

/** Who acted, by which process and in which container, beside what an evidence says itself. */
export function withActor(evidence: Evidence, user: User | undefined, process: Process | undefined, container: Container | undefined): Evidence {
  const actor = filled({ user: evidence.actor?.user ?? user, session: evidence.actor?.session, process: evidence.actor?.process ?? process })
  return { ...evidence, actor, process: evidence.process ?? process, container }
}
