using ResultsEs.Access;
using Spectre.Console;

namespace ResultsEs.Commands;

/// <summary>
/// Prints the hash of a client secret, for <c>SecretHash</c>. The secret is a line of standard input, or typed unseen. It is no
/// argument, because that would stay in the shell's history and the process list.
/// </summary>
[Description("Hash a client secret, read from standard input or typed, for a client's SecretHash", Name = "hash-secret")]
public sealed class HashSecretCommand : OperatorCommand<NoInput>
{
    private protected override async Task<ExitCode> RunAsync(NoInput input)
    {
        var secret = Console.IsInputRedirected
            ? await Console.In.ReadLineAsync()
            : AnsiConsole.Prompt(new TextPrompt<string>("Secret:").Secret());
        return string.IsNullOrEmpty(secret) ? Fail("The secret is empty.") : Say(Clients.Hash(secret));
    }
}
