/** Endpoints, processes and files as GuardDuty writes them. */
import type { OcsfVersion } from '../../ocsf/facts.js'
import { hasModernFindings } from './finding.js'
import type { Endpoint, File, Process, User } from './guardduty-columns.js'
import { placeOf } from './place.js'
import { filled, type Taking } from './taking.js'
import { moment } from './values.js'

/** The remote side, `undefined` without an address. */
export function remoteOf(details: Taking, version: OcsfVersion, port?: Taking): Endpoint | undefined {
  const ip = details.ip('ipAddressV4') ?? details.ip('ipAddressV6')
  if (ip === undefined) return undefined
  const organization = details.at('organization')
  return {
    ip,
    ...portOf(port),
    location: placeOf(details.at('city').text('cityName'), countryOf(details.at('country')), details.at('geoLocation'), version),
    autonomous_system: version === '1.1.0' ? undefined : filled({ number: organization.whole('asn'), name: organization.text('asnOrg') }),
    isp: hasModernFindings(version) ? organization.text('isp') : undefined,
    isp_org: hasModernFindings(version) ? organization.text('org') : undefined,
  }
}

function countryOf(country: Taking): string | undefined {
  return country.text('countryCode') ?? country.text('countryName')
}

export function portOf(details: Taking | undefined): Pick<Endpoint, 'port' | 'svc_name'> {
  if (details === undefined) return {}
  const name = details.peek('portName')
  return { port: details.whole('port', 65535), svc_name: name === 'Unknown' ? undefined : details.text('portName') }
}

/** The direction of a connection; what AWS could not tell is not taken. */
export function directionOf(connection: Taking, key: string): { readonly direction_id: 0 | 1 | 2 | 99; readonly direction: string | undefined } {
  const said = connection.peek(key) === 'UNKNOWN' ? undefined : connection.text(key)
  if (said === undefined) return { direction_id: 0, direction: undefined }
  const known = said === 'INBOUND' ? 1 : said === 'OUTBOUND' ? 2 : undefined
  return { direction_id: known ?? 99, direction: known === undefined ? said : undefined }
}

const HASHES: Readonly<Record<number, 1 | 2 | 3 | 4>> = { 32: 1, 40: 2, 64: 3, 128: 4 }
const REGULAR = 1

/** A file by its path; the name is the last part of it. */
export function fileOf(path: string | undefined, hash?: string, name?: string): File | undefined {
  const called = name ?? path?.slice(path.lastIndexOf('/') + 1)
  if (called === undefined || called === '') return undefined
  return { name: called, path, type_id: REGULAR, hashes: hash === undefined ? undefined : [{ algorithm_id: HASHES[hash.length] ?? 0, value: hash }] }
}

/** The file whose path stands at a member; nothing is taken without one. */
export function fileAt(details: Taking, path: string, hash?: string, name?: string): File | undefined {
  if (fileOf(details.said(path)) === undefined) return undefined
  return fileOf(details.text(path), hash === undefined ? undefined : details.text(hash), name === undefined ? undefined : details.text(name))
}

/** A process and two generations before it; `undefined` without an id, and then nothing is taken. */
export function processOf(details: Taking, version: OcsfVersion, lineage = details.list('lineage', 'uuid'), depth = 0): Process | undefined {
  const pid = details.whole('pid')
  const uid = details.text('uuid')
  if (pid === undefined && uid === undefined) return undefined
  const parentUid = details.peek('parentUuid')
  const ancestor = depth < 2 && parentUid !== undefined ? lineage.find(item => item.peek('uuid') === parentUid) : undefined
  const parent = ancestor === undefined ? undefined : processOf(ancestor, version, lineage, depth + 1)
  // the parent says it
  if (parent?.uid !== undefined) details.text('parentUuid')
  return {
    pid,
    uid,
    name: details.text('name'),
    file: fileAt(details, 'executablePath', 'executableSha256'),
    user: userOf(details),
    created_time: details.time('startTime', moment),
    working_directory: hasModernFindings(version) ? details.text('pwd') : undefined,
    parent_process: parent,
  }
}

function userOf(details: Taking): { readonly name: string | undefined; readonly uid: string | undefined } | undefined {
  return filled({ name: details.text('user'), uid: details.word('userId') })
}

/** An access key as the version has it. */
export function credentialOf(uid: string | undefined, version: OcsfVersion): Pick<User, 'credential_uid' | 'programmatic_credentials'> {
  if (uid === undefined) return {}
  return version === '1.8.0' ? { programmatic_credentials: [{ uid }] } : { credential_uid: uid }
}
