namespace ResultsEs.Commands;

/// <summary>The person who runs a command, by the name of the system's user; behind <c>sudo</c>, of the user who called it.</summary>
internal static class Operator
{
    public static string Name { get; } = Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 } caller
        ? caller
        : Environment.UserName;

    /// <summary>The operator as the sender of events.</summary>
    public static string Sender => $"operator {Name}";
}
