/** Who changed a bucket, by which call and from where, as Amazon Macie's policy findings say it. */
import { isJsonObject, type Json, type JsonObject } from '../../json.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { hasModernFindings } from './finding.js'
import { type AwsActor, readIdentity } from './identity.js'
import type { Evidence } from './macie-columns.js'
import { placeOf } from './place.js'
import { redactJson } from './secrets.js'
import { filled, type Taking } from './taking.js'
import { moment } from './values.js'

export interface Policy {
  readonly evidence: Evidence | undefined
  /** When the call was made first and last, epoch milliseconds. */
  readonly first: number | undefined
  readonly last: number | undefined
}

/** What led to a policy finding. What OCSF has no attribute for stays with it, in `data`. */
export function policyOf(details: Taking, version: OcsfVersion): Policy {
  const call = details.at('action').at('apiCallDetails')
  const first = call.time('firstSeen', moment)
  const last = call.time('lastSeen', moment)
  const operation = call.text('api')
  const service = operation === undefined ? undefined : call.text('apiServiceName')
  const acting = details.at('actor')
  const { actor, rest } = callerOf(acting.at('userIdentity'), version)
  const src_endpoint = endpointOf(acting, version)
  const left = details.handOver()
  const data = redactJson(rest === undefined ? left : { ...left, userIdentity: rest })
  const api = operation === undefined ? undefined : { operation, service: service === undefined ? undefined : { name: service } }
  return { evidence: filled({ actor, api, data, src_endpoint }), first, last }
}

const KINDS = ['assumedRole', 'iamUser', 'root', 'federatedUser', 'awsAccount', 'awsService'] as const

/** CloudTrail's `userIdentity`, but with each kind of caller in a member of its own. */
function callerOf(identity: Taking, version: OcsfVersion): { readonly actor: AwsActor | undefined; readonly rest: JsonObject | undefined } {
  for (const kind of KINDS) {
    const element = identity.peek(kind)
    if (!isJsonObject(element) || Object.keys(element).length === 0) continue
    identity.json(kind)
    const type = element.type === undefined ? identity.text('type') : undefined
    const { actor, rest } = readIdentity(type === undefined ? element : { ...element, type }, version)
    return { actor, rest: rest === undefined ? undefined : { [kind]: rest satisfies Json } }
  }
  return { actor: undefined, rest: undefined }
}

function endpointOf(acting: Taking, version: OcsfVersion): Evidence['src_endpoint'] {
  const address = acting.at('ipAddressDetails')
  const ip = address.ip('ipAddressV4') ?? address.ip('ipAddressV6')
  const hostname = acting.at('domainDetails').text('domainName')
  if (ip === undefined) return hostname === undefined ? undefined : { hostname }
  const owner = address.at('ipOwner')
  const country = address.at('ipCountry')
  const isModern = hasModernFindings(version)
  return {
    ip,
    hostname,
    location: placeOf(address.at('ipCity').text('name'), country.text('code') ?? country.text('name'), address.at('ipGeoLocation'), version),
    autonomous_system: version === '1.1.0' ? undefined : filled({ number: owner.whole('asn'), name: owner.text('asnOrg') }),
    isp: isModern ? owner.text('isp') : undefined,
    isp_org: isModern ? owner.text('org') : undefined,
  }
}
