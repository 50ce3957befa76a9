using JasperFx.CommandLine;
using ResultsEs.Access;
using Spectre.Console;

namespace ResultsEs.Commands;

/// <summary>Takes no arguments: a secret on the command line would stay in the shell's history and the process list.</summary>
public sealed class HashSecretInput;

/// <summary>
/// Prints the hash of a client secret, for the client's <c>SecretHash</c>. The secret is one line of standard input,
/// or typed unseen.
/// </summary>
[Description("Hash a client secret, read from standard input or typed, for a client's SecretHash", Name = "hash-secret")]
public sealed class HashSecretCommand : OperatorCommand<HashSecretInput>
{
    /// <inheritdoc/>
    protected override async Task<ExitCode> RunAsync(HashSecretInput input)
    {
        var secret = Console.IsInputRedirected
            ? await Console.In.ReadLineAsync()
            : AnsiConsole.Prompt(new TextPrompt<string>("Secret:").Secret());
        return string.IsNullOrEmpty(secret) ? Fail("The secret is empty.") : Say(Clients.Hash(secret));
    }
}
