/** What the package offers, and what it weighs: bundles made here as a user's bundler makes them. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { describe, expect, it } from 'vitest'
import * as cdk from './cdk/index.js'
import * as index from './index.js'
import * as lake from './lake/index.js'
import * as node from './node/index.js'
import * as lambda from './node/lambda/index.js'
import * as arrow from './parquet/arrow.js'
import * as parquet from './parquet/index.js'
import * as sources from './sources/index.js'

const root = fileURLToPath(new URL('.', import.meta.url))

async function bundle(entry: string, external: readonly string[] = [], splitting = false): Promise<{ readonly kib: number; readonly metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    external: [...external],
    splitting,
    outdir: root,
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  return { kib: outputFiles[0]!.contents.length / 1024, metafile }
}

describe('the doors', () => {
  it('export these names and no others', () => {
    expect(
      Object.fromEntries(
        Object.entries({ index, lake, node, lambda, cdk, arrow, parquet }).map(([door, exports]) => [
          door,
          Object.keys(exports)
            .filter(name => door !== 'index' || !Object.hasOwn(sources, name))
            .sort(),
        ]),
      ),
    ).toMatchInlineSnapshot(`
      {
        "arrow": [
          "toArrowIpc",
          "toArrowTable",
        ],
        "cdk": [
          "OcsfLake",
        ],
        "index": [
          "CLASS_ENUMS",
          "CLASS_UIDS",
          "DEFAULT_VERSION",
          "HEAD_BYTES",
          "OBJECT_ENUMS",
          "OBSERVABLE_TYPES",
          "OcsfLakeError",
          "UnreadJson",
          "VERSION",
          "VERSIONS",
          "accessLogDecoder",
          "chooseSource",
          "classFields",
          "columns",
          "convert",
          "createConverter",
          "findingKey",
          "isIp",
          "isoFromMs",
          "jsonRecords",
          "lateReader",
          "latestFindings",
          "lineSplitter",
          "loadFacts",
          "loadPipeline",
          "msFromCommonLog",
          "msFromIso",
          "parseJson",
          "readObjectKey",
          "readWhole",
          "spaced",
          "stringify",
          "tableDecoder",
          "validate",
        ],
        "lake": [
          "EVENT_CLASSES",
          "MAX_CUSTOM_SOURCES",
          "MAX_SOURCE_NAME",
          "PART_BYTES",
          "PART_OBJECTS",
          "PART_ROWS",
          "addsUp",
          "athenaTable",
          "backfillDefinition",
          "checkSecurityLakeVersion",
          "countIn",
          "countOutcome",
          "createParts",
          "customSourceName",
          "customSourceOf",
          "duckdbView",
          "emptyReport",
          "eventClassName",
          "isAccountId",
          "isRegion",
          "isS3Url",
          "lakeTables",
          "objectKey",
          "parseS3Url",
          "partitionOf",
          "plainLayout",
          "planRegistration",
          "s3Place",
          "s3Unit",
          "securityLakeLayout",
          "securityLakeTarget",
          "tableName",
        ],
        "lambda": [
          "createHandler",
          "readParquet",
        ],
        "node": [
          "compact",
          "convertFiles",
          "deleteCustomSource",
          "findInputs",
          "gunzip",
          "isCompacted",
          "isGzip",
          "listCustomSources",
          "main",
          "nodeCodec",
          "openStore",
          "readParquet",
          "registerCustomSource",
          "replay",
          "reportText",
        ],
        "parquet": [
          "createParquetWriter",
          "flatten",
          "parquetSchema",
          "portableCodec",
          "snappy",
          "uncompressed",
          "zstd",
        ],
      }
    `)
  })

  it('give every source by name, and as SOURCES', () => {
    const { SOURCES, ...byName } = sources
    expect(index).toMatchObject(sources)
    expect(Object.values(byName)).toEqual([...SOURCES])
    for (const [name, { id }] of Object.entries(byName)) expect(name.toLowerCase()).toBe(id.replaceAll('-', ''))
  })

  it('give each source under its own path', () => {
    const { SOURCES } = sources
    const files = readdirSync(join(root, 'sources')).filter(name => name.endsWith('.ts') && !/\.test\.ts$|^(all|index|source)\.ts$/.test(name))
    expect(files.map(name => name.replace('.ts', '')).sort()).toEqual(SOURCES.map(({ id }) => id).sort())
  })
})

/** Minified KiB, as the README states it. */
const LIMIT = 52

const { SOURCES } = sources

describe('bundles for a browser', () => {
  it.each(SOURCES.map(({ id }) => id))('hold %s alone within the limit, without schema facts or dependencies', async id => {
    const { kib, metafile } = await bundle(`sources/${id}.ts`)
    expect(kib).toBeLessThan(LIMIT)
    const inside = Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
    )
    expect(inside.filter(path => path.includes('node_modules') || path.includes('generated/'))).toEqual([])
  })

  it('do not load ajv with the front door, so that importing it is quick', async () => {
    const { metafile } = await bundle('index.ts', [], true)
    const loaded = new Set<string>()
    const load = (output: string): void => {
      const { inputs, imports } = metafile.outputs[output]!
      for (const input of Object.keys(inputs)) loaded.add(input)
      for (const { path, kind } of imports) if (kind === 'import-statement') load(path)
    }
    load(Object.keys(metafile.outputs).find(output => metafile.outputs[output]!.entryPoint?.endsWith('src/index.ts'))!)
    expect([...loaded].filter(path => path.endsWith('src/convert.ts'))).toHaveLength(1)
    expect([...loaded].filter(path => path.includes('node_modules/ajv'))).toEqual([])
    expect(Object.keys(metafile.inputs).some(path => path.includes('node_modules/ajv'))).toBe(true)
  })

  it.each(['index.ts', 'parquet/index.ts', 'lake/index.ts', 'parquet/arrow.ts'])('can be made of %s, with no Node module in it', async entry => {
    // the WASM package reads its binary in its own way; everything else must stand without Node
    const { kib } = await bundle(entry, ['@bokuweb/zstd-wasm', 'apache-arrow'])
    expect(kib).toBeGreaterThan(1)
  })
})
