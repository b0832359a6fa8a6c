/** The file in which `ocsf-lake register` describes a Security Lake. */
import { readFile } from 'node:fs/promises'
import { OcsfLakeError } from '../errors.js'
import { type SecurityLakeTarget, securityLakeTarget } from '../lake/security-lake.js'

/** @throws OcsfLakeError `input_missing` when it is no JSON file, `option_invalid` when it says something wrong */
export async function readSecurityLake(path: string): Promise<SecurityLakeTarget> {
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new OcsfLakeError('input_missing', `--security-lake ${path} is no JSON file that can be read: give the file that ocsf-lake register wrote.`, {
      cause,
    })
  }
  return securityLakeTarget(json)
}
