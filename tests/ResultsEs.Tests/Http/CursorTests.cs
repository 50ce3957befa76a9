using CsCheck;
using ResultsEs.Http;

namespace ResultsEs.Tests.Http;

/// <summary>The cursor as a text.</summary>
public sealed class CursorTests
{
    private static readonly Gen<Cursor> Any = Gen.Select(
        Gen.Long[0, DateTime.MaxValue.Ticks], Gen.Guid, Gen.Guid, Gen.Long[0, long.MaxValue], (key, id, within, count) => new Cursor(key, id, within, count));

    [Fact]
    public void What_is_written_is_read_for_the_same_list_and_no_other() => Gen.Select(Any, Gen.String, Gen.String).Sample((cursor, list, other) =>
    {
        var text = cursor.Write(list);

        Assert.True(Cursor.TryRead(text, list, out var read));
        Assert.Equal(cursor, read);
        Assert.Equal(list == other, Cursor.TryRead(text, other, out _));
    });

    [Fact]
    public void No_other_text_is_a_cursor_and_none_throws() => Gen.Select(Any, Gen.String, Gen.Int[0, 1_000], Gen.Char.AlphaNumeric).Sample((cursor, noise, at, letter) =>
    {
        Assert.False(Cursor.TryRead(noise, "list", out _));

        var text = cursor.Write("list").ToCharArray();
        text[at % text.Length] = letter;
        // A changed letter is another cursor or none; never an exception.
        _ = Cursor.TryRead(new string(text), "list", out _);
        Assert.False(Cursor.TryRead(new string(text[1..]), "list", out _));
        Assert.False(Cursor.TryRead(' ' + new string(text[1..]), "list", out _));
    });
}
