/** What the logs of Application, Network and Classic Load Balancers have in common: keys, endpoints, metrics. */
import { columns } from '../../ocsf/columns.js'
import type { Recognition } from '../source.js'
import { ipIn } from './flow-log.js'
import { portIn } from './http.js'
import { remembered } from './remembered.js'
import { accountInArn } from './values.js'

// ---- recognition ----

export type BalancerLog = 'app' | 'net' | 'classic' | 'conn'

// [conn_log.|health_check_log.]ACCOUNT_elasticloadbalancing_REGION_NAME_…
const FILE = /^(conn_log\.|health_check_log\.)?\d{12}_elasticloadbalancing_[a-z0-9-]+_([^_]+)_/
const TEST_FILE = /(?:^|\/)ELB[A-Za-z]*TestFile$/

/** Which balancer's log a key names, or the name under which its file is skipped. */
export function balancerLog(key: string): BalancerLog | { readonly skip: string } | undefined {
  if (TEST_FILE.test(key)) return { skip: 'test_file' }
  const named = FILE.exec(key.slice(key.lastIndexOf('/') + 1))
  if (named === null) return undefined
  if (named[1] === 'health_check_log.') return { skip: 'health_check_log' }
  if (named[1] === 'conn_log.') return 'conn'
  const name = named[2]!
  return name.startsWith('app.') ? 'app' : name.startsWith('net.') ? 'net' : name.includes('.') ? undefined : 'classic'
}

/** The resource id of the balancer that a key names: `app/my-balancer/50dc6c495c0c9188`. */
export function balancerInKey(key: string | undefined): string | undefined {
  return key === undefined ? undefined : FILE.exec(key.slice(key.lastIndexOf('/') + 1))?.[2]?.replaceAll('.', '/')
}

/** By key where the key says anything, else by a look at the first line. */
export function recogniseBalancer(key: string, kinds: readonly BalancerLog[], fits: () => boolean): Recognition {
  const said = balancerLog(key)
  if (typeof said === 'object') return said
  if (said !== undefined) return kinds.includes(said) ? 'key' : undefined
  return fits() ? 'content' : undefined
}

// ---- parts of an event ----

export interface IpAndPort {
  readonly ip: string
  readonly port: number
}

/** `192.0.2.1:443` or `2001:db8::1:443`, whose last colon is before the port; `undefined` for anything else. */
export function ipAndPort(text: string | undefined): IpAndPort | undefined {
  if (text === undefined) return undefined
  const colon = text.lastIndexOf(':')
  if (colon === -1) return undefined
  const ip = ipIn(text.charCodeAt(0) === 91 && text.charCodeAt(colon - 1) === 93 ? text.slice(1, colon - 1) : text.slice(0, colon))
  const port = portIn(text.slice(colon + 1))
  return ip === undefined || port === undefined ? undefined : { ip, port }
}

/** The name in a resource id: `app/my-balancer/50dc6c495c0c9188` is `my-balancer`. */
export function balancerName(resource: string): string {
  if (resource === lastResource) return lastName
  const from = resource.indexOf('/')
  const to = resource.lastIndexOf('/')
  lastResource = resource
  lastName = from === -1 || to === from ? resource : resource.slice(from + 1, to)
  return lastName
}

// A log is one balancer's.
let lastResource: string | undefined
let lastName = ''

/** Milliseconds of seconds with a fraction; `undefined` for -1, which stands for "did not happen". */
export function msOfSeconds(seconds: string | undefined): number | undefined {
  const ms = Math.round(Number(seconds) * 1000)
  return ms >= 0 && ms < 2 ** 31 ? ms : undefined
}

export interface Metric {
  readonly name: string
  readonly value: string
}

/** The times of a request, exactly as they were logged. */
export function metricsOf(names: readonly string[], values: readonly (string | undefined)[]): readonly Metric[] | undefined {
  const metrics: Metric[] = []
  for (let i = 0; i < names.length; i++) {
    const value = values[i]
    if (value !== undefined) metrics.push({ name: names[i]!, value })
  }
  return metrics.length === 0 ? undefined : metrics
}

/** Milliseconds from one time to another, where they can be a duration. */
export function spanOf(start: number | undefined, end: number): number | undefined {
  return start === undefined || end < start || end - start >= 2 ** 31 ? undefined : end - start
}

/** Bytes from and to the client, and their sum. */
export function trafficOf(received: number | bigint | undefined, sent: number | bigint | undefined) {
  if (received === undefined && sent === undefined) return undefined
  const whole = typeof received === 'number' && typeof sent === 'number' && Number.isSafeInteger(received + sent) ? received + sent : undefined
  return { bytes_in: received, bytes_out: sent, bytes: whole }
}

export interface ArnOwner {
  readonly account: string | undefined
  readonly region: string | undefined
}

const NOBODY: ArnOwner = { account: undefined, region: undefined }
const ownerInArn = /* @__PURE__ */ remembered<ArnOwner>(arn => ({ account: arn === undefined ? undefined : accountInArn(arn), region: regionInArn(arn) }))

/** The account and the region of an ARN, where it names them. */
export function ownerOf(arn: string | undefined): ArnOwner {
  return arn === undefined ? NOBODY : ownerInArn(arn, undefined)
}

/** The region of an ARN, where it names one. */
export function regionInArn(arn: string | undefined): string | undefined {
  if (arn === undefined || !arn.startsWith('arn:')) return undefined
  const region = arn.split(':', 4)[3]
  return region === '' ? undefined : region
}

export function clientMissing(found: string | undefined) {
  return { fault: { rule: 'required_missing', path: 'src_endpoint', expected: 'an address and a port of the client', found: found ?? 'none' } }
}

export function timeMissing(found: string | undefined) {
  return { fault: { rule: 'time_missing', path: 'time', expected: 'an ISO 8601 time', found: found ?? 'none' } }
}

/** HTTP Activity of a balancer that serves HTTP. */
export const balancedHttp = /* @__PURE__ */ columns('http_activity')({
  activity_id: true,
  activity_name: true,
  severity_id: true,
  time: true,
  start_time: true,
  duration: true,
  status_id: true,
  status_code: true,
  metadata: { product: { name: true, vendor_name: true, feature: { name: true } }, correlation_uid: true },
  cloud: { provider: true, region: true, account: { uid: true } },
  src_endpoint: { ip: true, port: true },
  dst_endpoint: { ip: true, port: true, uid: true, name: true },
  http_request: {
    http_method: true,
    url: { url_string: true, scheme: true, hostname: true, port: true, path: true, query_string: true },
    version: true,
    user_agent: true,
    uid: true,
  },
  http_response: { code: true, latency: true, http_headers: { name: true, value: true } },
  traffic: { bytes_in: true, bytes_out: true, bytes: true },
  tls: { version: true, cipher: true, sni: true },
  load_balancer: {
    uid: true,
    name: true,
    ip: true,
    code: true,
    classification: true,
    status_detail: true,
    message: true,
    error_message: true,
    metrics: { name: true, value: true },
    endpoint_connections: { code: true, network_endpoint: { ip: true, port: true } },
  },
  app_protocol_name: true,
  action_id: true,
  action: true,
  disposition_id: true,
  disposition: true,
})
