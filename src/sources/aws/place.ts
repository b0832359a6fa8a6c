/** Where an address is, as findings of AWS services say it. */
import type { OcsfVersion } from '../../ocsf/facts.js'
import type { Taking } from './taking.js'

export const locationColumns = { city: true, country: true, coordinates: true, lat: true, long: true } as const

export interface Location {
  readonly city: string | undefined
  readonly country: string | undefined
  readonly coordinates?: readonly number[] | undefined
  readonly lat?: number | undefined
  readonly long?: number | undefined
}

/** `coordinates` (longitude first) until 1.1, `lat` and `long` from 1.3; a place has a city or a country. */
export function placeOf(city: string | undefined, country: string | undefined, at: Taking, version: OcsfVersion): Location | undefined {
  if (city === undefined && country === undefined) return undefined
  if (typeof at.peek('lat') !== 'number' || typeof at.peek('lon') !== 'number') return { city, country }
  const lat = at.number('lat')!
  const long = at.number('lon')!
  return version === '1.1.0' ? { city, country, coordinates: [long, lat] } : { city, country, lat, long }
}
