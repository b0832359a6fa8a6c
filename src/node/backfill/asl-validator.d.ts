// asl-validator 4.0.0 has no types of its own.
declare module 'asl-validator' {
  /** Checks a state machine against the schema of the States Language, and adds the query language to its states. */
  export default function validate(definition: object): { readonly isValid: boolean; errorsText(separator?: string): string }
}
