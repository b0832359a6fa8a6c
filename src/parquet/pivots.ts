/** The columns that an investigation jumps by: given one address, key or name, which objects hold it? */
import type { Field } from '../ocsf/columns.js'

/** OCSF types whose every value is a pivot. */
const TYPES: ReadonlySet<string> = new Set(['ip_t', 'mac_t', 'hostname_t', 'email_t', 'username_t', 'resource_uid_t', 'file_hash_t'])

/** Attributes that are a pivot wherever they stand. */
const NAMES: ReadonlySet<string> = new Set(['instance_uid', 'interface_uid', 'credential_uid', 'domain'])

/** Attributes that are a pivot in one kind of object. */
const IN_OBJECT: ReadonlySet<string> = new Set([
  'api.operation',
  'account.uid',
  'user.uid',
  'user.uid_alt',
  'session.uid',
  'session.uid_alt',
  'programmatic_credentials.uid',
  'resource.uid',
  'resources.uid',
  'src_endpoint.uid',
  'dst_endpoint.uid',
  'device.uid',
])

/** Whether a text column gets a bloom filter. The hash of the raw data is one value per event and finds nothing. */
export function isPivot({ kind, name, path, attribute }: Field): boolean {
  if (kind !== 'string' || path === 'raw_data_hash.value') return false
  if (TYPES.has(attribute.type) || NAMES.has(name)) return true
  const steps = path.replaceAll('[]', '').split('.')
  return IN_OBJECT.has(steps.slice(-2).join('.'))
}
