/** The `ocsf-lake` command line, made of the commands. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { OcsfLakeError } from '../errors.js'
import { VERSION } from '../version.js'
import type { CliCommand, CommandOption } from './commands/command.js'
import { COMMANDS } from './commands/index.js'

function optionOf({ flags, text, choices, default: value, parse }: CommandOption): Option {
  const option = new Option(flags, text).default(value)
  if (choices !== undefined) option.choices(choices)
  if (parse !== undefined) {
    option.argParser((argument: string) => {
      try {
        return parse(argument)
      } catch (error) {
        throw error instanceof OcsfLakeError ? new InvalidArgumentError(error.message) : error
      }
    })
  }
  return option
}

function commandOf({ name, text, argument, options, help, run }: CliCommand, ended: (code: number) => void): Command {
  const command = new Command(name).description(text)
  if (argument !== undefined) command.argument(argument.flags, argument.text)
  for (const option of options) command.addOption(optionOf(option))
  if (help !== undefined) command.addHelpText('after', help)
  return command.action(async () => ended(await run(command.args, command.opts())))
}

/**
 * Runs the command and gives its exit code: 0 done, 1 operator fault, 2 rejects under `--strict` or nothing usable
 * in what was read.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0
  const program = new Command('ocsf-lake')
    .description('AWS logs in, validated OCSF events and Security Lake Parquet out.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('Run ocsf-lake --help for the commands and their options.')
  for (const one of COMMANDS) {
    const command = commandOf(one, ended => {
      code = ended
    })
    program.addCommand(command.copyInheritedSettings(program))
  }
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1
    if (error instanceof OcsfLakeError) {
      process.stderr.write(`ocsf-lake: ${error.message}\n`)
      return 1
    }
    throw error
  }
}
