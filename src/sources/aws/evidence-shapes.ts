/** Who and what findings in OCSF are about: users, files, processes, endpoints, evidences and resources. */
import type { Json } from '../../json.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { ACCOUNTS, ALGORITHMS, BUCKETS, DATA_CATEGORIES, DATABASES, DEVICES, DIRECTIONS, FILES, SCANS, SECRECY, USERS } from './finding-captions.js'
import { boolean, captioned, decimal, hidden, integer, ip, json, leaf, long, object, objects, type Part, port, string, strings, time } from './ocsf-shape.js'
import { redactUrl } from './secret-urls.js'
import { redactMember } from './secrets.js'
import { objectOf, text } from './values.js'

export const url = hidden(redactUrl)

const METHODS = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'TRACE', 'PATCH'] as const
const method: Part<(typeof METHODS)[number]> = leaf(value => METHODS.find(known => known === value))

/** A tag that is called like a secret is taken for one. */
const tagValue: Part<string> = {
  read(from, key, leave) {
    const said = text(from[key])
    if (said === undefined) {
      leave(key, from[key])
      return undefined
    }
    const kept = redactMember(text(from.name) ?? '', said)
    return typeof kept === 'string' ? kept : said
  },
}

// ---- objects ----

export const NAMED = { some: ['name', 'uid'] } as const
const AT_1_1 = '1.1.0'

export const tags = objects({ name: string, value: tagValue, values: strings }, { need: ['name'], some: ['value', 'values'], by: 'name' })
export const account = object({ uid: string, name: string, ...captioned('type_id', 'type', ACCOUNTS) }, NAMED)
const groups = objects({ name: string, uid: string }, { ...NAMED, by: 'name' })
export const organization = object({ name: string, uid: string, ou_name: string, ou_uid: string }, NAMED)
const credentials = objects({ uid: string }, { need: ['uid'] })

/** An access key is a member of its own until 1.5, and one of a list from 1.8: it stands where the version has it. */
const accessKey: Part<string> = {
  also: () => 'programmatic_credentials',
  read(from, key, leave, version) {
    const isMoved = version === '1.8.0' && from.programmatic_credentials === undefined
    if (isMoved && text(from[key]) !== undefined) return undefined
    const said = string.read(from, key, leave, version)
    if (said !== undefined || version === '1.8.0' || !Array.isArray(from.programmatic_credentials)) return said
    return text(objectOf((from.programmatic_credentials as readonly Json[])[0]).uid)
  },
}

const accessKeys: typeof credentials = {
  ...credentials,
  also: () => 'credential_uid',
  read(from, key, leave, version) {
    const uid = text(from.credential_uid)
    if (from[key] !== undefined || version !== '1.8.0' || uid === undefined) return credentials.read(from, key, leave, version)
    return credentials.read({ [key]: [{ uid }] }, key, leave, version)
  },
}

const USER = { some: ['account', 'name', 'uid'] } as const
const user = object(
  {
    name: string,
    uid: string,
    uid_alt: string,
    ...captioned('type_id', 'type', USERS),
    account,
    credential_uid: accessKey,
    programmatic_credentials: accessKeys,
    domain: string,
    email_addr: string,
    groups,
  },
  USER,
)
const hashes = objects({ ...captioned('algorithm_id', 'algorithm', ALGORITHMS, 0), value: string }, { need: ['algorithm_id', 'value'] })
export const fileShape = { name: string, path: string, ...captioned('type_id', 'type', FILES, 0), uid: string, size: long, mime_type: string, hashes } as const
export const file = object(fileShape, { need: ['name', 'type_id'] })
export const imageShape = { uid: string, name: string, tag: string, path: string } as const
const container = object(
  {
    uid: string,
    name: string,
    runtime: string,
    pod_uuid: string,
    orchestrator: string,
    image: object(imageShape, { need: ['uid'] }),
  },
  NAMED,
)
const session = object({ uid: string, uid_alt: string, issuer: string, is_mfa: boolean, created_time: time, credential_uid: string })
const ownProcess = {
  pid: integer,
  uid: string,
  name: string,
  cmd_line: string,
  created_time: time,
  file: object({ name: string, path: string, ...captioned('type_id', 'type', FILES, 0), hashes }, { need: ['name', 'type_id'] }),
  user: object({ name: string, uid: string }),
  working_directory: string,
} as const
const PROCESS = { some: ['pid', 'uid'] } as const
const process = object({ ...ownProcess, parent_process: object({ ...ownProcess, parent_process: object(ownProcess, PROCESS) }, PROCESS) }, PROCESS)
const actor = object(
  { user, process, session, app_name: string, app_uid: string },
  { some: version => (version === AT_1_1 ? ['user', 'process', 'session'] : ['user', 'process', 'session', 'app_name', 'app_uid']) },
)
const location = object({ city: string, country: string, region: string, lat: decimal, long: decimal }, { some: ['city', 'country', 'region'] })
const endpoint = object(
  {
    ip,
    port,
    uid: string,
    name: string,
    hostname: string,
    domain: string,
    svc_name: string,
    instance_uid: string,
    interface_uid: string,
    subnet_uid: string,
    vpc_uid: string,
    location,
    autonomous_system: object({ number: integer, name: string }),
    isp: string,
    isp_org: string,
    intermediate_ips: strings,
  },
  { some: ['ip', 'uid', 'name', 'hostname', 'svc_name', 'instance_uid', 'interface_uid'] },
)
const device = object(
  {
    ip,
    uid: string,
    name: string,
    hostname: string,
    ...captioned('type_id', 'type', DEVICES, 0),
    instance_uid: string,
    interface_uid: string,
    subnet_uid: string,
    vpc_uid: string,
    image: object(imageShape, { need: ['uid'] }),
  },
  { need: ['type_id'], some: ['ip', 'uid', 'name', 'hostname', 'instance_uid', 'interface_uid'] },
)
const discovery = objects({ type: string, value: string, count: integer })
const classification = {
  ...captioned('category_id', 'category', DATA_CATEGORIES),
  ...captioned('confidentiality_id', 'confidentiality', SECRECY),
  ...captioned('status_id', 'status', SCANS),
  status_details: strings,
  discovery_details: discovery,
  size: long,
  total: integer,
  uid: string,
  src_url: url,
} as const
const data_classifications = objects(classification, { some: ['category_id', 'confidentiality_id'] })
export const databucket = object(
  {
    uid: string,
    uid_alt: string,
    name: string,
    ...captioned('type_id', 'type', BUCKETS, 0),
    region: string,
    cloud_partition: string,
    owner: object({ name: string, uid: string, account }, USER),
    is_encrypted: boolean,
    is_public: boolean,
    size: long,
    tags,
    data_classifications,
    file: object({ ...fileShape, data_classifications }, { need: ['name', 'type_id'] }),
  },
  { need: ['type_id'], some: ['name', 'uid'] },
)
export const database = object({ uid: string, name: string, ...captioned('type_id', 'type', DATABASES, 0) }, { need: ['type_id'], some: ['name', 'uid'] })
const urlObject = object({ url_string: url, path: url, query_string: url, hostname: string, scheme: string, port }, { some: ['url_string', 'path'] })
export const evidences = objects(
  {
    name: string,
    uid: string,
    actor,
    api: object(
      {
        operation: string,
        version: string,
        service: object({ name: string, uid: string, version: string }, NAMED),
        request: object({ uid: string }, { need: ['uid'] }),
        response: object({ code: integer, error: string, error_message: string, message: string }),
      },
      { need: ['operation'] },
    ),
    connection_info: object(
      { ...captioned('direction_id', 'direction', DIRECTIONS, 0), protocol_name: string, protocol_num: integer, uid: string },
      { need: ['direction_id'] },
    ),
    container,
    data: json,
    database,
    databucket: object({ uid: string, name: string, ...captioned('type_id', 'type', BUCKETS, 0) }, { need: ['type_id'], some: ['name', 'uid'] }),
    device,
    dst_endpoint: endpoint,
    file,
    http_request: object({ user_agent: url, http_method: method, url: urlObject, referrer: url, uid: string, version: string }),
    process,
    query: object({ hostname: string, type: string, class: string }, { need: ['hostname'] }),
    src_endpoint: endpoint,
    url: urlObject,
    user,
  },
  { some: evidenceOf },
)

/** What an evidence is made of: of these OCSF wants one. */
function evidenceOf(version: OcsfVersion): readonly string[] {
  return version === AT_1_1 ? EVIDENCES_AT_1_1 : EVIDENCES
}

const EVIDENCES_AT_1_1 = ['actor', 'api', 'connection_info', 'data', 'dst_endpoint', 'file', 'process', 'query', 'src_endpoint']
const EVIDENCES = [...EVIDENCES_AT_1_1, 'database', 'databucket', 'device', 'url', 'user']

export const resourceShape = {
  uid: string,
  uid_alt: string,
  name: string,
  type: string,
  region: string,
  zone: string,
  cloud_partition: string,
  namespace: string,
  provider: string,
  criticality: string,
  hostname: string,
  ip,
  owner: object({ name: string, uid: string, account }, USER),
  labels: strings,
  tags,
  data: json,
  created_time: time,
  modified_time: time,
} as const
export const resources = objects(resourceShape, { ...NAMED, by: 'uid' })
