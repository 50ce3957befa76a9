namespace ResultsEs.Exports;

/// <summary>Settings of exports that are made in the background; section <c>Exports</c>.</summary>
internal sealed class ExportOptions
{
    public const string Section = "Exports";

    private const int MostHours = 720;
    private const int MostMebibytes = 1024 * 1024;

    /// <summary>Hours for which files are kept, 1 to 720. Default 24.</summary>
    public int KeepHours { get; init; } = 24;

    /// <summary>Exports of an account that wait or run, 1 to 1,000. Default 4.</summary>
    public int PerAccount { get; init; } = 4;

    /// <summary>MiB of all files of an account, 1 to 1,048,576. Default 4,096.</summary>
    public int MebibytesPerAccount { get; init; } = 4 * 1024;

    /// <summary>MiB of all files, from <see cref="MebibytesPerAccount"/> to 1,048,576. Default 16,384.</summary>
    public int Mebibytes { get; init; } = 16 * 1024;

    /// <summary>MiB after which a part of an export ends and its files are stored, 1 to 256. Default 32.</summary>
    public int PartMebibytes { get; init; } = 32;

    public static IEnumerable<string> Problems(ExportOptions options)
    {
        if (options.KeepHours is < 1 or > MostHours)
            yield return $"{Section}:KeepHours must be from 1 to {MostHours}.";
        if (options.PerAccount is < 1 or > 1_000)
            yield return $"{Section}:PerAccount must be from 1 to 1000.";
        if (options.MebibytesPerAccount < 1 || options.Mebibytes < options.MebibytesPerAccount || options.Mebibytes > MostMebibytes)
            yield return $"{Section}:MebibytesPerAccount must be from 1 up to Mebibytes, and that up to {MostMebibytes}.";
        if (options.PartMebibytes is < 1 or > 256)
            yield return $"{Section}:PartMebibytes must be from 1 to 256.";
    }
}
