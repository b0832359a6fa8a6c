/** What was seen, as findings in Security Hub's format say it: the action, the connection, the process, malware and the fields of GuardDuty. */
import { isJsonObject, type Json } from '../../json.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { isIp } from '../../ocsf/ip.js'
import { domainName, transportOf } from './dns.js'
import { hasModernFindings } from './finding.js'
import { credentialOf, fileOf } from './guardduty-parts.js'
import { redactJson } from './secrets.js'
import type { DetectionFinding, Endpoint, Evidence, Malware, Process, User } from './security-hub-columns.js'
import { int, itemsOf, type Read, reader, SERVICE, some } from './security-hub-parts.js'
import { filled, type Taking } from './taking.js'
import { flag, ms, nameInArn, objectOf, text, whole } from './values.js'

/**
 * All of it. GuardDuty's finding is told by `Action`, or by the fields of the product, which are its members written flat;
 * where both tell the action, the fields stay in the rest.
 */
export function seenIn(record: Taking, version: OcsfVersion, account: string | undefined) {
  const service = reader(record.at('ProductFields'), SERVICE)
  const { user, local } = partiesIn(record.peek('Resources'), version, account)
  const own = isJsonObject(record.peek('Action')) ? actionOf(reader(record), local, version) : undefined
  const { evidences, blocked } = own !== undefined && own.evidences.length > 0 ? own : actionOf(service, local, version)
  const process = runtimeOf(service, 'runtimeDetails/process/')
  const actor = filled({ user, process })
  const acted: readonly Evidence[] = evidences.length > 0 || actor === undefined ? evidences : [{}]
  const others = [runtimeOf(service, 'runtimeDetails/context/targetProcess/'), processOf(record.at('Process'))]
  const { malware, files } = malwareOf(record, version)
  return {
    evidences: some<Evidence>([
      ...acted.map(evidence => ({ ...evidence, actor, process })),
      ...networkOf(record.at('Network')),
      ...others.flatMap(process => (process === undefined ? [] : { process })),
      ...files,
    ]),
    malware: some(malware),
    control: controlOf(record.peek('Malware'), blocked, malware.length > 0),
  }
}

type Control = Pick<DetectionFinding, 'action_id' | 'disposition_id'>

/** Allowed or blocked by GuardDuty; malware is removed or only detected, and OCSF wants an action beside it. */
function controlOf(found: Json | undefined, blocked: boolean | undefined, hasMalware: boolean): Control | undefined {
  const items = itemsOf(found)
  if (items.length > 0 && hasMalware && items.every(item => isJsonObject(item) && item.State === 'REMOVED')) return { action_id: 2, disposition_id: 5 }
  if (blocked === undefined) return hasMalware ? { action_id: 0, disposition_id: 15 } : undefined
  return blocked ? { action_id: 2, disposition_id: 2 } : { action_id: 1, disposition_id: 1 }
}

/** Who acted and on which instance, where the resources say it; they keep what they say. */
function partiesIn(resources: Json | undefined, version: OcsfVersion, account: string | undefined) {
  let user: User | undefined
  let local: Endpoint | undefined
  for (const resource of itemsOf(resources)) {
    const { Type: type, Id: id, Details: details } = objectOf(resource)
    if (type === 'AwsIamAccessKey') {
      const key = objectOf(objectOf(details).AwsIamAccessKey)
      const name = text(key.PrincipalName) ?? text(key.UserName)
      const uid = text(key.PrincipalId)
      const kind = text(key.PrincipalType)
      if (name === undefined && uid === undefined) continue
      user ??= {
        name,
        uid: name === undefined ? uid : undefined,
        uid_alt: name && uid,
        type_id: kind === undefined ? undefined : 99,
        type: kind,
        account: account === undefined ? undefined : { uid: account },
        ...credentialOf(text(key.AccessKeyId) ?? /:AccessKey:(\w+)$/.exec(String(id))?.[1], version),
      }
    } else if (type === 'AwsEc2Instance') {
      const instance = objectOf(objectOf(details).AwsEc2Instance)
      const uid = nameInArn(String(id))
      if (uid !== undefined) local ??= { instance_uid: uid, subnet_uid: text(instance.SubnetId), vpc_uid: text(instance.VpcId) }
    }
  }
  return { user, local }
}

// ---- actions ----

const ip = (said: string): string | undefined => (isIp(said) ? said : undefined)
const number = (said: string): number | undefined => (String(Number(said)) === said && said !== 'NaN' ? Number(said) : undefined)
const otherThan =
  (word: string) =>
  (said: string): string | undefined =>
    said === word ? undefined : said

/** One evidence for each kind of action; of port probes for each that probed. What is left stays where it was. */
function actionOf(read: Read, local: Endpoint | undefined, version: OcsfVersion) {
  const evidences: Evidence[] = []
  for (const call of ['action/awsApiCallAction/', 'action/kubernetesApiCallAction/']) {
    const operation = read(`${call}api`) ?? read(`${call}verb`)
    if (operation === undefined) continue
    const name = read(`${call}serviceName`)
    const error = read(`${call}errorCode`)
    const hostname = read(`${call}domainDetails/domain`)
    evidences.push({
      api: { operation, service: name === undefined ? undefined : { name }, response: error === undefined ? undefined : { error } },
      src_endpoint: filled({ ...remoteOf(read, call, version), hostname }),
    })
  }

  const dns = 'action/dnsRequestAction/'
  const domain = read(`${dns}domain`)
  if (domain !== undefined)
    evidences.push({ query: { hostname: domainName(domain) }, src_endpoint: local, connection_info: transportOf(read(`${dns}protocol`)) })

  const connection = 'action/networkConnectionAction/'
  const peer = remoteOf(read, connection, version)
  if (peer !== undefined) {
    const direction = directionOf(read(`${connection}connectionDirection`, otherThan('UNKNOWN')))
    const isInbound = direction.direction_id === 1
    const side = localOf(read, connection, local)
    evidences.push({
      connection_info: { ...transportOf(read(`${connection}protocol`)), ...direction },
      src_endpoint: isInbound ? peer : side,
      dst_endpoint: isInbound ? side : peer,
    })
  }

  const probe = 'action/portProbeAction/'
  for (let item = 0; ; item++) {
    const detail = `${probe}portProbeDetails.${item}_/`
    const source = remoteOf(read, detail, version)
    if (source === undefined) break
    evidences.push({ connection_info: { direction_id: 1 }, src_endpoint: source, dst_endpoint: localOf(read, detail, local) })
  }

  let blocked: boolean | undefined
  for (const kind of evidences.length > 0 ? [dns, connection, probe] : []) blocked ??= read(`${kind}blocked`, flag)
  return { evidences, blocked }
}

function remoteOf(read: Read, action: string, version: OcsfVersion): Endpoint | undefined {
  const at = `${action}remoteIpDetails/`
  const remote = addressOf(read, at)
  if (remote === undefined) return undefined
  const isOld = version === '1.1.0'
  const place = read(`${at}geoLocation/lon`, said => {
    const long = number(said)
    const lat = long === undefined ? undefined : read(`${at}geoLocation/lat`, number)
    return lat === undefined ? undefined : { long: long!, lat }
  })
  return {
    ip: remote,
    ...portOf(read, `${action}remotePortDetails/`),
    location: filled({
      city: read(`${at}city/cityName`),
      country: read(`${at}country/countryCode`) ?? read(`${at}country/countryName`),
      ...(isOld ? { coordinates: place && [place.long, place.lat] } : place),
    }),
    autonomous_system: isOld ? undefined : filled({ number: read(`${at}organization/asn`, int), name: read(`${at}organization/asnOrg`) }),
  }
}

function addressOf(read: Read, at: string): string | undefined {
  return read(`${at}ipAddressV4`, ip) ?? read(`${at}ipAddressV6`, ip)
}

function localOf(read: Read, action: string, local: Endpoint | undefined): Endpoint | undefined {
  const side = filled({ ...local, ip: addressOf(read, `${action}localIpDetails/`) })
  return side && { ...side, ...portOf(read, `${action}localPortDetails/`) }
}

function portOf(read: Read, details: string): Pick<Endpoint, 'port' | 'svc_name'> {
  return { port: read(`${details}port`, said => whole(said, 65535)), svc_name: read(`${details}portName`, otherThan('Unknown')) }
}

function directionOf(said: string | undefined): NonNullable<Evidence['connection_info']> {
  const direction_id = said === undefined ? 0 : /^IN(BOUND)?$/.test(said) ? 1 : /^OUT(BOUND)?$/.test(said) ? 2 : 99
  return { direction_id, direction: direction_id === 99 ? said : undefined }
}

// ---- connections and processes ----

function networkOf(network: Taking): readonly Evidence[] {
  const source = sideOf(network, 'Source')
  const destination = sideOf(network, 'Destination')
  if (source === undefined && destination === undefined) return []
  const connection_info = { ...transportOf(network.text('Protocol')), ...directionOf(network.text('Direction')) }
  return [{ connection_info, src_endpoint: source, dst_endpoint: destination, data: redactJson(network.handOver()) }]
}

function sideOf(network: Taking, side: 'Source' | 'Destination'): Endpoint | undefined {
  const ip = network.ip(`${side}IpV4`) ?? network.ip(`${side}IpV6`)
  const hostname = network.text(`${side}Domain`)
  if (ip === undefined && hostname === undefined) return undefined
  return {
    ip,
    hostname,
    port: network.whole(`${side}Port`, 65535),
  }
}

function processOf(details: Taking): Process | undefined {
  const pid = details.whole('Pid')
  if (pid === undefined) return undefined
  const file = fileOf(details.said('Path'))
  if (file !== undefined) details.text('Path')
  const parent = details.whole('ParentPid')
  return {
    pid,
    name: details.text('Name'),
    file,
    created_time: details.time('LaunchedAt'),
    terminated_time: details.time('TerminatedAt'),
    parent_process: parent === undefined ? undefined : { pid: parent },
  }
}

/** A process of GuardDuty's runtime monitoring. */
function runtimeOf(read: Read, at: string): Process | undefined {
  const pid = read(`${at}pid`, int)
  const uid = read(`${at}uuid`)
  if (pid === undefined && uid === undefined) return undefined
  const path = read(`${at}executablePath`, said => fileOf(said) && said)
  const parent = read(`${at}parentUuid`)
  return {
    pid,
    uid,
    name: read(`${at}name`),
    file: path === undefined ? undefined : fileOf(path, read(`${at}executableSha256`)),
    user: filled({ name: read(`${at}user`), uid: read(`${at}userId`) }),
    created_time: read(`${at}startTime`, ms),
    parent_process: parent === undefined ? undefined : { uid: parent },
  }
}

// ---- malware ----

const KINDS: ReadonlyMap<string | undefined, Malware['classification_ids'][number]> = new Map([
  [undefined, 0],
  ['ADWARE', 1],
  ['BOTNET_AGENT', 3],
  ['COIN_MINER', 13],
  ['EXPLOIT_KIT', 8],
  ['KEYLOGGER', 9],
  ['RANSOMWARE', 10],
  ['REMOTE_ACCESS', 11],
  ['ROOTKIT', 15],
  ['SPYWARE', 17],
  ['TROJAN', 18],
  ['VIRUS', 19],
  ['WORM', 22],
])

/** Malware and threats, and the files that threats were found in. Type and state in Security Hub's words stay in the rest. */
function malwareOf(record: Taking, version: OcsfVersion) {
  const isModern = hasModernFindings(version)
  const malware: Malware[] = []
  const files: Evidence[] = []
  for (const item of [...record.list('Malware', 'Name'), ...record.list('Threats', 'Name')]) {
    const name = item.text('Name')
    if (name === undefined) continue
    const file = fileOf(item.said('Path'))
    const path = file === undefined ? undefined : item.text('Path')
    malware.push({
      name,
      classification_ids: [KINDS.get(item.said('Type')) ?? 99],
      path: isModern ? undefined : path,
      files: isModern && file !== undefined ? [file] : undefined,
      num_infected: isModern ? item.whole('ItemCount') : undefined,
    })
    for (const found of item.list('FilePaths')) {
      const file = fileOf(found.said('FilePath'), found.said('Hash'), found.said('FileName'))
      if (file === undefined) continue
      for (const key of ['FilePath', 'Hash', 'FileName']) found.text(key)
      files.push({ file, data: redactJson(found.handOver()) })
    }
  }
  return { malware, files }
}
