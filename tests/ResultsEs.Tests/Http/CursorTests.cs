using CsCheck;
using ResultsEs.Http;

namespace ResultsEs.Tests.Http;

/// <summary>The cursor as a text.</summary>
public sealed class CursorTests
{
    private static readonly Gen<Cursor> Any = Gen.Select(
        Gen.Long[0, DateTime.MaxValue.Ticks], Gen.Guid, Gen.Guid, Gen.Long[0, long.MaxValue], Gen.OneOf(Gen.Const(0L), Gen.Long[0, DateTime.MaxValue.Ticks]),
        (key, id, within, count, asOf) => new Cursor(key, id, within, count, asOf));

    [Fact]
    public void What_is_written_is_read_for_the_same_list_and_no_other() => Gen.Select(Any, Gen.String, Gen.String).Sample((cursor, list, other) =>
    {
        var text = cursor.Write(list);

        Assert.True(Cursor.TryRead(text, list, out var read));
        Assert.Equal(cursor, read);
        Assert.Equal(list == other, Cursor.TryRead(text, other, out _));
    });

    /// <summary>A cursor does not expire: one that was given before there was an <c>asOf</c> is still read.</summary>
    [Fact]
    public void A_cursor_of_the_version_before_is_read()
    {
        Assert.True(Cursor.TryRead(
            "AaMwOVzApTrRCN54i18SvUDar5wBHBWFf6sjGAsh2R07AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAC", "list", out var read));
        Assert.Equal(new Cursor(0x08de788b5f12bd40, Guid.Parse("019cafda-151c-7f85-ab23-180b21d91d3b"), default, TotalCount: 2), read);
    }

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
