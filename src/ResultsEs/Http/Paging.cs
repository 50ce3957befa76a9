using System.Buffers.Binary;

namespace ResultsEs.Http;

/// <summary>
/// The requested page of a list: <c>limit</c> with either <c>offset</c> or the <c>cursor</c> of the page before. With a cursor,
/// <paramref name="Offset"/> is 0 and <paramref name="After"/> the last item of the page before.
/// </summary>
internal sealed record Paging(int Limit, int Offset, Cursor? After)
{
    public const int DefaultLimit = 25;
    public const int MaxLimit = 500;
    public const int MaxOffset = 10_000;

    public static readonly IReadOnlyList<QueryParameter> Query = QueryOf(DefaultLimit);

    /// <summary>The parameters of a list with a default <c>limit</c> of its own.</summary>
    public static IReadOnlyList<QueryParameter> QueryOf(int defaultLimit) =>
    [
        new("limit", "The page size: how many items at most.", Integer(1, MaxLimit, defaultLimit)),
        new("offset", "The number of items to skip. Not with `cursor`.", Integer(0, MaxOffset, 0)),
        new(
            "cursor",
            "The `nextCursor` of the page before, with the same filters. The list goes on after that page, "
            + "at any depth and whatever was added meanwhile.",
            """{ "type": "string" }"""),
    ];

    /// <summary>
    /// The time before which the walk shows all changes; null at its begin, and the least value where its cursor does not tell it.
    /// </summary>
    public DateTimeOffset? AsOf => After is { } after ? new DateTimeOffset(after.AsOf, TimeSpan.Zero) : null;

    /// <summary>Reads the parameters. A cursor is valid for one <paramref name="list"/>: the name of a list and its filters.</summary>
    public static Paging Read(RequestParameters parameters, string list, int defaultLimit = DefaultLimit)
    {
        var limit = parameters.Number("limit", 1, MaxLimit, defaultLimit);
        var offset = parameters.Number("offset", 0, MaxOffset, 0);
        if (parameters.Text("cursor") is null)
            return new Paging(limit, offset, null);

        if (parameters.Text("offset") is not null)
            parameters.Refuse("offset", "must not be there with a cursor");
        return new Paging(
            limit, 0, parameters.CursorOrNull("cursor", list, "must be a nextCursor of this list, with the same filters"));
    }

    /// <summary>The schema of a whole number.</summary>
    public static string Integer(int minimum, int maximum, int fallback) =>
        $$"""{ "type": "integer", "format": "int32", "minimum": {{minimum}}, "maximum": {{maximum}}, "default": {{fallback}} }""";
}

/// <summary>
/// The place of an item in a list: its key and, among items of one key, its id. The next page begins after it, so items that come and
/// go between two pages move nothing.
/// </summary>
/// <param name="Key">UTC ticks of the time that the list is ordered by; 0 in a list ordered by ids.</param>
/// <param name="Id">The item's id.</param>
/// <param name="Within">A second id, where one is not unique in the list.</param>
/// <param name="TotalCount">The number of items at the first page: counting them again would cost more than the next page.</param>
/// <param name="AsOf">UTC ticks of the time before which the walk shows all changes; 0 in a list that does not tell it.</param>
internal readonly record struct Cursor(long Key, Guid Id, Guid Within, long TotalCount, long AsOf = 0)
{
    // Version 1 has no AsOf. Cursors do not expire, so both are read.
    private const int Length = CursorText.HeadBytes + 8 + 16 + 16 + 8;
    private const int LengthWithAsOf = Length + 8;

    /// <summary>Writes a cursor, valid for one <paramref name="list"/>. It grants nothing: queries are limited to their caller.</summary>
    public string Write(string list)
    {
        Span<byte> bytes = stackalloc byte[AsOf == 0 ? Length : LengthWithAsOf];
        BinaryPrimitives.WriteInt64BigEndian(bytes.Slice(9, 8), Key);
        Id.TryWriteBytes(bytes.Slice(17, 16));
        Within.TryWriteBytes(bytes.Slice(33, 16));
        BinaryPrimitives.WriteInt64BigEndian(bytes.Slice(49, 8), TotalCount);
        if (AsOf != 0)
            BinaryPrimitives.WriteInt64BigEndian(bytes.Slice(57, 8), AsOf);
        return CursorText.Write(VersionOf(bytes.Length), list, bytes);
    }

    /// <summary>Reads a cursor that <see cref="Write"/> wrote for the same list.</summary>
    public static bool TryRead(string text, string list, out Cursor cursor)
    {
        cursor = default;
        Span<byte> bytes = stackalloc byte[LengthWithAsOf];
        if (!CursorText.TryRead(text, list, bytes, out var length)
            || length is not (Length or LengthWithAsOf)
            || bytes[0] != VersionOf(length)
            || BinaryPrimitives.ReadInt64BigEndian(bytes.Slice(9, 8)) is not (>= 0 and var key)
            || key > DateTime.MaxValue.Ticks
            || BinaryPrimitives.ReadInt64BigEndian(bytes.Slice(49, 8)) is not (>= 0 and var totalCount)
            || BinaryPrimitives.ReadInt64BigEndian(bytes.Slice(57, 8)) is not (>= 0 and var asOf)
            || asOf > DateTime.MaxValue.Ticks)
            return false;

        cursor = new Cursor(key, new Guid(bytes.Slice(17, 16)), new Guid(bytes.Slice(33, 16)), totalCount, asOf);
        return true;
    }

    private static byte VersionOf(int length) => (byte)(length == Length ? 1 : 2);
}

/// <summary>The metadata of a list.</summary>
internal sealed record ListMeta(Pagination Pagination)
{
    public static ListMeta Of(Paging paging, long totalCount, string? nextCursor) =>
        new(new Pagination(paging.Limit, paging.Offset, totalCount, nextCursor));
}

/// <summary>The place of a page in its list.</summary>
/// <param name="Limit">The page size of the request.</param>
/// <param name="Offset">The offset of the request; 0 with a cursor.</param>
/// <param name="TotalCount">
/// The number of items that match the filters, in all pages. With a cursor: as counted for the first page.
/// </param>
/// <param name="NextCursor">The cursor of the next page; absent in the last page.</param>
internal sealed record Pagination(int Limit, int Offset, long TotalCount, string? NextCursor);
