using System.Runtime.InteropServices;

namespace ResultsEs.Mcp;

/// <summary>
/// JSON of any size as a text that fits a model's context. What does not fit is cut: lists and texts at their end, the largest members
/// first. Each cut is told with its path, and the rest is got by asking for that path from where it was cut.
/// </summary>
internal sealed class JsonCut
{
    /// <summary>The most bytes of an answer's text.</summary>
    public const int MaxBytes = 32 * 1024;

    // What of these is for saying what was cut.
    private const int ForPlaces = 4 * 1024;
    private const int MaxPlaces = 16;

    // A member is not shown for less.
    private const int LeastShare = 64;

    // An object with more is one that names things, and is walked like a list.
    private const int MaxShared = 200;

    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = Json.Options.MaxDepth };
    private static readonly JsonEncodedText Cut = JsonEncodedText.Encode("cut");

    private readonly ArrayBufferWriter<byte> _output = new(MaxBytes);
    private readonly List<CutPlace> _places = [];
    private int _more;

    // Bytes that places may still have.
    private int _left = ForPlaces - 500;

    /// <summary>The object, with a member <c>cut</c> where it is too long.</summary>
    /// <param name="json">The JSON of an object.</param>
    /// <param name="rest">How to get what was cut, in a sentence.</param>
    public static ReadOnlyMemory<byte> Whole(ReadOnlyMemory<byte> json, string rest)
    {
        if (json.Length <= MaxBytes)
            return json;

        using var document = JsonDocument.Parse(json, Deep);
        var cut = new JsonCut();
        cut.Fit(document.RootElement, "", offset: 0, MaxBytes - ForPlaces);
        return cut.Closed(rest);
    }

    /// <summary>
    /// What is at a path of the object, from an item or character on; null when there is nothing. What is too long of it is cut.
    /// </summary>
    /// <param name="json">The JSON of an object.</param>
    /// <param name="path">A JSON pointer (RFC 6901) such as <c>/tasks/3</c>.</param>
    /// <param name="offset">The items, members or characters before what is shown; 0 or more.</param>
    /// <param name="rest">How to get what was cut, in a sentence.</param>
    public static ReadOnlyMemory<byte>? Part(ReadOnlyMemory<byte> json, string path, int offset, string rest)
    {
        using var document = JsonDocument.Parse(json, Deep);
        if (Find(document.RootElement, path) is not { } value)
            return null;

        var cut = new JsonCut();
        cut.Write("{\"path\":\""u8);
        cut.Write(JsonEncodedText.Encode(path).EncodedUtf8Bytes);
        cut.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\",\"offset\":{offset},\"value\":")));
        cut.Fit(value, path, offset, MaxBytes - ForPlaces - cut._output.WrittenCount);
        cut.Write("}"u8);
        return cut.Closed(rest);
    }

    private static JsonElement? Find(JsonElement value, string path)
    {
        foreach (var part in path.Split('/').Skip(1))
        {
            var name = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member))
                value = member;
            else if (value.ValueKind == JsonValueKind.Array
                && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < value.GetArrayLength())
                value = value[index];
            else
                return null;
        }

        return path.Length == 0 || path[0] == '/' ? value : null;
    }

    private static ReadOnlySpan<byte> Raw(JsonElement value) => JsonMarshal.GetRawUtf8Value(value);

    /// <summary>What was written, an object, with the member that says what was cut of it.</summary>
    private ReadOnlyMemory<byte> Closed(string rest)
    {
        if (_places.Count == 0 && _more == 0)
            return _output.WrittenMemory;

        var written = _output.WrittenMemory[..^1].ToArray();
        _output.ResetWrittenCount();
        Write(written);
        Write(written.Length == 1 ? "\""u8 : ",\""u8);
        Write(Cut.EncodedUtf8Bytes);
        Write("\":"u8);
        Write(JsonSerializer.SerializeToUtf8Bytes(new CutOfAnswer(rest, _places, _more), Json.Of<CutOfAnswer>()));
        Write("}"u8);
        return _output.WrittenMemory;
    }

    private void Fit(JsonElement value, string path, int offset, int budget)
    {
        if (offset == 0 && Raw(value).Length <= budget)
            Write(Raw(value));
        else if (value.ValueKind == JsonValueKind.String)
            FitText(value.GetString()!, path, offset, budget);
        else if (value.ValueKind == JsonValueKind.Array)
            FitItems(value, path, offset, budget);
        else if (value.ValueKind == JsonValueKind.Object)
            FitMembers(value, path, offset, budget);
        else
            Write("null"u8);
    }

    private void FitText(string text, string path, int offset, int budget)
    {
        var begin = Math.Min(offset, text.Length);
        var length = Math.Min(text.Length - begin, Math.Max(0, budget - 2));
        JsonEncodedText shown;
        while (true)
        {
            // Not between the two halves of a character.
            if (length > 0 && begin + length < text.Length && char.IsHighSurrogate(text[begin + length - 1]))
                length--;
            shown = JsonEncodedText.Encode(
                text.AsSpan(begin, length), System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
            if (length == 0 || shown.EncodedUtf8Bytes.Length + 2 <= budget)
                break;
            length = Math.Min(length - 1, (int)((long)length * (budget - 2) / shown.EncodedUtf8Bytes.Length));
        }

        Write("\""u8);
        Write(shown.EncodedUtf8Bytes);
        Write("\""u8);
        if (begin + length < text.Length)
            Note(new CutPlace(path, "characters", length, text.Length, begin + length));
    }

    private void FitItems(JsonElement list, string path, int offset, int budget)
    {
        var total = list.GetArrayLength();
        var (left, shown) = (budget - 2, 0);
        Write("["u8);
        foreach (var item in list.EnumerateArray().Skip(offset))
        {
            var size = Raw(item).Length + (shown == 0 ? 0 : 1);
            if (size > left && (shown > 0 || left < LeastShare))
                break;
            if (shown++ > 0)
                Write(","u8);
            Fit(item, string.Create(CultureInfo.InvariantCulture, $"{path}/{offset + shown - 1}"), 0, left);
            left -= size;
            if (left < 0)
                break;
        }

        Write("]"u8);
        if (offset + shown < total)
            Note(new CutPlace(path, "items", shown, total, offset + shown));
    }

    private void FitMembers(JsonElement value, string path, int offset, int budget)
    {
        var members = value.EnumerateObject().Skip(offset).ToList();
        var total = offset + members.Count;
        // The name with its quotes, a colon and a comma.
        var sizes = members.ConvertAll(static member => JsonMarshal.GetRawUtf8PropertyName(member).Length + 4);
        var shares = members.Count > MaxShared ? InOrder() : Shared();
        var shown = 0;
        Write("{"u8);
        for (var i = 0; i < members.Count; i++)
        {
            if (shares[i] <= 0)
                continue;
            Write(shown++ > 0 ? ",\""u8 : "\""u8);
            Write(JsonMarshal.GetRawUtf8PropertyName(members[i]));
            Write("\":"u8);
            Fit(members[i].Value, $"{path}/{Escaped(members[i].Name)}", 0, shares[i]);
        }

        Write("}"u8);
        if (offset + shown < total)
            Note(new CutPlace(path, "members", shown, total, members.Count > MaxShared ? offset + shown : offset));

        // The smallest take what they need, and the others share the rest.
        int[] Shared()
        {
            var taken = new int[members.Count];
            var (left, others) = (budget - 2, members.Count);
            foreach (var i in Enumerable.Range(0, members.Count).OrderBy(i => sizes[i] + Raw(members[i].Value).Length))
            {
                var share = left / others--;
                var needed = Raw(members[i].Value).Length;
                taken[i] = sizes[i] + needed <= share ? needed : share - sizes[i] >= LeastShare ? share - sizes[i] : 0;
                left -= taken[i] == 0 ? 0 : sizes[i] + taken[i];
            }

            return taken;
        }

        int[] InOrder()
        {
            var taken = new int[members.Count];
            var left = budget - 2;
            for (var i = 0; i < members.Count; i++)
            {
                var needed = Raw(members[i].Value).Length;
                if (sizes[i] + needed > left && (i > 0 || left - sizes[i] < LeastShare))
                    break;
                taken[i] = Math.Min(needed, left - sizes[i]);
                left -= sizes[i] + taken[i];
            }

            return taken;
        }
    }

    private void Note(CutPlace place)
    {
        // The members of a place beside its path have less than 150 bytes.
        var size = JsonEncodedText.Encode(place.Path).EncodedUtf8Bytes.Length + 150;
        if (_places.Count < MaxPlaces && size <= _left)
        {
            _places.Add(place);
            _left -= size;
        }
        else
        {
            _more++;
        }
    }

    private static string Escaped(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private void Write(ReadOnlySpan<byte> bytes) => _output.Write(bytes);
}

/// <summary>What was cut of an answer.</summary>
/// <param name="Rest">How to get it.</param>
/// <param name="Places">Where, up to 16.</param>
/// <param name="More">How many more places there are.</param>
internal sealed record CutOfAnswer(string Rest, IReadOnlyList<CutPlace> Places, int More);

/// <summary>A list, text or object of which a part is shown.</summary>
/// <param name="Path">Where it is: a JSON pointer.</param>
/// <param name="Unit">What is counted: <c>items</c>, <c>characters</c> or <c>members</c>.</param>
/// <param name="Shown">How many are shown.</param>
/// <param name="Total">How many there are.</param>
/// <param name="NextOffset">The offset to go on from.</param>
internal sealed record CutPlace(string Path, string Unit, int Shown, int Total, int NextOffset);
