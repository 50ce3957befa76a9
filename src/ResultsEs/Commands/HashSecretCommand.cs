using ResultsEs.Access;
using Spectre.Console;

namespace ResultsEs.Commands;

public sealed class HashSecretInput
{
    [Description("Make a secret, and print it in a line before that of its hash")]
    public bool GenerateFlag { get; set; }
}

/// <summary>
/// Prints the hash of a client secret, for <c>SecretHash</c>. The secret is made, or is a line of standard input, or typed unseen. It is
/// no argument, because that would stay in the shell's history and the process list.
/// </summary>
[Description("Hash a client secret, made, read from standard input or typed, for a client's SecretHash", Name = "hash-secret")]
public sealed class HashSecretCommand : OperatorCommand<HashSecretInput>
{
    // What is shorter is guessed by whoever has its hash.
    private const int LeastCharacters = 16;

    private protected override async Task<ExitCode> RunAsync(HashSecretInput input)
    {
        if (input.GenerateFlag)
        {
            var made = SecretHash.Generate();
            Say(made);
            return Say(SecretHash.Of(made));
        }

        var secret = Console.IsInputRedirected
            ? await Console.In.ReadLineAsync()
            : AnsiConsole.Prompt(new TextPrompt<string>("Secret:").Secret());
        return ProblemOf(secret) is { } problem ? Fail(problem) : Say(SecretHash.Of(secret!));
    }

    /// <summary>Says what is wrong with a secret that somebody chose; null when nothing is.</summary>
    internal static string? ProblemOf(string? secret) => secret is null || JsonText.Characters(secret) < LeastCharacters
        ? $"A secret that somebody chose must have at least {LeastCharacters} characters; --generate makes one."
        : null;
}
