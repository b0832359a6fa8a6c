/** SHA-256 that runs anywhere, as 64 hexadecimal digits. A file of its own: whoever loads it loads nothing else of the package. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

export const sha256Hex = (bytes: Uint8Array): string => bytesToHex(sha256(bytes))
