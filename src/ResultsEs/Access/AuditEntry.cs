namespace ResultsEs.Access;

/// <summary>The kind of what the audit tells.</summary>
internal enum AuditKind
{
    /// <summary>A token, given or refused.</summary>
    Token,

    /// <summary>A request without a valid token (401), or without the right (403).</summary>
    Refusal,

    /// <summary>A read of one session, or of what is kept of a participant.</summary>
    Read,

    /// <summary>An export of a test's sessions.</summary>
    Export,

    /// <summary>A change of who may do what.</summary>
    Access,

    /// <summary>An erasure, or a deletion because the time of keeping is over.</summary>
    Erasure,

    /// <summary>A command of an operator.</summary>
    Command,
}

/// <summary>An entry of the audit: who did what, of what, from where, and how it ended. Never content, never a secret.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Action">What was done: method and route of a request, the name of a command.</param>
/// <param name="Outcome">How it ended: a status of HTTP, or a word such as <c>done</c>.</param>
internal readonly record struct AuditEntry(AuditKind Kind, string Action, string Outcome)
{
    /// <summary>The longest text of a client or a subject. Strangers may send any.</summary>
    private const int MaxText = 200;

    /// <summary>When it ended.</summary>
    public DateTime At { get; init; }

    /// <summary>The account; null when it is not known.</summary>
    public Guid? Account { get; init; }

    /// <summary>Who: a client's id, or <c>operator</c> and a name; null when it is not known.</summary>
    public string? Client { get; init; }

    /// <summary>Of what: the id of a session, a test, a participant or a client; null where there is none.</summary>
    public string? Subject { get; init; }

    /// <summary>From where; null for commands.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>The columns that tell entries apart, but for the time. Equal ones of one moment are one row with a count.</summary>
    public (AuditKind, string, string, Guid?, string?, string?, IPAddress?) Key =>
        (Kind, Action, Outcome, Account, Client, Subject, Address);

    public string KindText => Kind switch
    {
        AuditKind.Token => "token",
        AuditKind.Refusal => "refusal",
        AuditKind.Read => "read",
        AuditKind.Export => "export",
        AuditKind.Access => "access",
        AuditKind.Erasure => "erasure",
        _ => "command",
    };

    /// <summary>Makes a text of a sender fit for a row and a terminal.</summary>
    public static string? Shortened(string? text) =>
        text is null ? null : Printable.Excerpt(text, MaxText);
}
