/** The contract of a source: a plain typed value that turns one kind of log into OCSF events. */
import type { Decoder, Fault } from '../decode/decoder.js'
import type { UnreadJson } from '../json.js'
import type { ColumnTree, EventOf } from '../ocsf/columns.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import type { ClassName } from '../ocsf/generated/types.js'

/** Bytes of an object that recognition looks at: 64 KiB, unzipped. */
export const HEAD_BYTES = 64 * 1024

/** The start of an object, for recognition: its key or path (with `/`), and up to `HEAD_BYTES` of its bytes. */
export interface Head {
  readonly key: string
  readonly bytes: Uint8Array
  /** `bytes` as text, for the patterns of a source. */
  readonly text: string
}

/**
 * How a source recognises an object: by its key, by its content, or as a companion file that holds no events
 * (a digest, a writability check), which is then skipped under that name.
 */
export type Recognition = 'key' | 'content' | { readonly skip: string } | undefined

/** What the record does not say: taken from the options, the object's key, its file name or its envelope. */
export interface Context {
  /** The OCSF version aimed at. `map` may look at it only to choose a class or an old twin of an attribute. */
  readonly version: OcsfVersion
  /** AWS account that owns the log. */
  readonly account?: string
  readonly region?: string
  /** S3 key or path of the object, with `/`. */
  readonly key?: string
  /** Log group that the record came from, where it came by a CloudWatch Logs subscription. */
  readonly logGroup?: string
  /** Time in the file name, epoch milliseconds. */
  readonly fileTime?: number
  /** Field names of header-less text, in order. */
  readonly fields?: readonly string[]
  /** Format string of a log whose layout the operator chose, as the writer of the log has it: nginx's `log_format`, Apache's `LogFormat`, the access log format of an API Gateway stage. */
  readonly logFormat?: string
}

/** A record that is no event, under a name: `{ skip: 'nodata' }`. */
export interface Skip {
  readonly skip: string
}

/** A record that cannot become an event. */
export interface Unmappable {
  readonly fault: Fault
}

/** An event as a mapper returns it, for code that does not know the source. */
export interface MappedEvent {
  readonly class_uid: number
  readonly time: number
  readonly [attribute: string]: unknown
}

/**
 * What `map` of a table passes on without looking at it, so that rows which differ in nothing else give the same event
 * but for these values: a promise, which lets a converter map one such row for all. Whether a field is there may always
 * matter, and so may the `region` and `version` of the context. Fields of kind `rest` are only passed on, too.
 */
export interface Copies {
  /** Fields of texts and counts. */
  readonly fields: readonly string[]
  /** Texts in them that `map` does look at: rows that say so go their own way. */
  readonly except?: readonly string[]
  /** Fields of IP addresses: which version they have, and which of them are the same, may matter. */
  readonly addresses?: readonly string[]
  /** Fields of epoch seconds, the first not behind the second: in the event as milliseconds, and the milliseconds between them. */
  readonly seconds?: readonly [start: string, end: string]
}

/** A text in an object or list that `map` passes on. */
export interface LeafCopy {
  /** An ISO 8601 time, which is also passed on as epoch milliseconds. */
  readonly isTime?: boolean
  /** What of the text is passed on, too. Whether there is anything may matter. */
  readonly part?: (text: string) => string | undefined
  /** What of the text is looked at, which it starts with or has behind something else. */
  readonly seen?: (text: string) => string | undefined
}

/** What `map` passes on of an object or list, at any depth: it may look at the rest, at what there is, and which texts are the same. */
export interface LeafCopies {
  /** Texts by the name of their member. */
  readonly texts: Readonly<Record<string, LeafCopy>>
  /** Members of whole numbers. */
  readonly counts?: readonly string[]
  /** How many texts it has at most, how many of which a part is passed on, and how many counts and times. */
  readonly most: number
  readonly mostParts?: number
  readonly mostNumbers?: number
  /** Texts that it does look at. */
  readonly except?: RegExp
  /** Finds in the JSON text what it compares with what it passes on. */
  readonly never?: RegExp
}

/** What `map` of JSON records does with a top member, when that is what is said here. */
export type MemberCopy =
  /** Passes a text on, but for those that `except` finds. */
  | { readonly as: 'text'; readonly except?: RegExp }
  /** Passes an ISO 8601 time on, and its epoch milliseconds. */
  | { readonly as: 'time' }
  /** Passes an IP address on; which version it has may matter. */
  | { readonly as: 'address' }
  /** Looks at an object or list, but for its leaves. */
  | { readonly as: 'leaves'; readonly leaves: LeafCopies }
  /**
   * Passes an object on as the JSON text that `print` gives, without looking into it: `print` is given the text, or where a
   * member of a `sought` name may be in it, the object unread. An object that is looked into after all has `leaves`.
   */
  | {
      readonly as: 'json'
      readonly sought: readonly string[]
      readonly except?: RegExp
      readonly leaves?: LeafCopies
      print(json: string | UnreadJson): string | undefined
    }

/** As `Copies`, of JSON records: `map` may look at all other members, and at whether a member is there. */
export interface MemberCopies {
  /** The member of a wrapper whose list holds the records. */
  readonly list: string
  readonly members: Readonly<Record<string, MemberCopy>>
}

export type DeclaredColumns = { readonly [C in ClassName]?: ColumnTree }

/** An event of one of the declared classes. */
export type Mapped<Declared> = { [C in keyof Declared & ClassName]: EventOf<C, Declared[C]> }[keyof Declared & ClassName]

/**
 * One kind of log. Fixed once, used by every path: a converter asks `recognise` which source an object belongs to,
 * streams it through `decoder`, and hands each record to `map`.
 */
export interface Source<Rec = unknown, Declared extends DeclaredColumns = DeclaredColumns> {
  /** kebab-case: CLI name, fixture folder, subpath. */
  readonly id: string
  /** Short form for custom source names, when the id is longer than 13 characters. */
  readonly lakeName?: string
  /** What the log is called by its service, e.g. `Amazon VPC flow logs`. */
  readonly title: string
  /** The page that defines the format. */
  readonly spec: string
  /** Raised with every change of the mapping that a reader of the events can notice. */
  readonly mappingVersion: number
  /** Per class, the attributes that `map` may fill. */
  readonly columns: Declared
  /** Where the service's own output breaks OCSF and what is written instead; other traps. For the docs. */
  readonly notes?: readonly string[]
  recognise(head: Head): Recognition
  decoder(context: Context): Decoder<Rec>
  /** Of a table: what makes its conversion fast. */
  readonly copies?: Copies
  /** Of JSON records: the same. */
  readonly memberCopies?: MemberCopies
  /** Pure: no clock, no environment, no I/O. The same record gives the same event. */
  map(record: Rec, context: Context): Mapped<Declared> | Skip | Unmappable
  /**
   * The raw text with its secrets replaced; absent when the log can carry none. `preface` is what the decoder says must
   * stand before the record: it names the cells of a table.
   */
  redact?(raw: string, preface?: string): string
}

/** Any source, for code that does not know which. */
export interface AnySource extends Omit<Source, 'map' | 'decoder'> {
  decoder(context: Context): Decoder<unknown>
  map(record: unknown, context: Context): MappedEvent | Skip | Unmappable
}
