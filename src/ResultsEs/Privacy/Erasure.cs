[assembly: JsonContext<ResultsEs.Privacy.PrivacyJson>]

namespace ResultsEs.Privacy;

/// <summary>What an erasure is of.</summary>
[JsonConverter(typeof(WireEnumConverter<ErasureKind>))]
public enum ErasureKind
{
    /// <summary><c>PARTICIPANT</c>: all sessions of a participant in the account, and those to come.</summary>
    Participant,

    /// <summary><c>SESSION</c>: one session, and what arrives for it.</summary>
    Session,
}

/// <summary>How far an erasure is.</summary>
[JsonConverter(typeof(WireEnumConverter<ErasureState>))]
public enum ErasureState
{
    /// <summary><c>LISTING</c>: the sessions are being found. What arrives is masked already.</summary>
    Listing,

    /// <summary><c>MASKING</c>: sessions or dead letters are being masked.</summary>
    Masking,

    /// <summary><c>FILES</c>: all is masked; files in the object store are still to be deleted.</summary>
    Files,

    /// <summary><c>DONE</c></summary>
    Done,
}

/// <summary>The record of an erasure: that, when, by whom and why, and nothing of what was erased.</summary>
internal sealed record Erasure
{
    /// <summary>The erasure.</summary>
    public required Guid ErasureId { get; init; }

    /// <summary>The account.</summary>
    public required Guid Account { get; init; }

    /// <summary>What it is of.</summary>
    public required ErasureKind Kind { get; init; }

    /// <summary>The session's id, or the pseudonym that stands in the place of the participant's.</summary>
    public required Guid Subject { get; init; }

    /// <summary>The client that asked for it; <c>operator</c> at the command line, <c>retention</c> when a session was old.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>Why, in the words of who asked.</summary>
    public string? Reason { get; init; }

    /// <summary>When it was asked for. What arrives from then on is masked.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>How far it is.</summary>
    public ErasureState State { get; init; }

    /// <summary>How many sessions it is of.</summary>
    public long Sessions { get; init; }

    /// <summary>How many of them are masked.</summary>
    public long SessionsMasked { get; init; }

    /// <summary>How many events were masked in them.</summary>
    public long EventsMasked { get; init; }

    /// <summary>How many files are still to be deleted.</summary>
    public long FilesLeft { get; init; }
}

[JsonSerializable(typeof(Erasure))]
[JsonSerializable(typeof(ParticipantData))]
internal sealed partial class PrivacyJson : JsonSerializerContext;
