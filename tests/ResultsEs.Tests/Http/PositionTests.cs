using CsCheck;
using ResultsEs.Http;

namespace ResultsEs.Tests.Http;

/// <summary>The cursor as a text.</summary>
public sealed class PositionTests
{
    private static readonly Gen<Position> Any = Gen.Select(
        Gen.Long[0, DateTime.MaxValue.Ticks], Gen.Guid, Gen.Guid, Gen.Long[0, long.MaxValue], (key, id, within, count) => new Position(key, id, within, count));

    [Fact]
    public void What_is_written_is_read_for_the_same_list_and_no_other() => Gen.Select(Any, Gen.String, Gen.String).Sample((position, list, other) =>
    {
        var text = position.Write(list);

        Assert.True(Position.TryRead(text, list, out var read));
        Assert.Equal(position, read);
        Assert.Equal(list == other, Position.TryRead(text, other, out _));
    });

    [Fact]
    public void No_other_text_is_a_position_and_none_throws() => Gen.Select(Any, Gen.String, Gen.Int[0, 1_000], Gen.Char.AlphaNumeric).Sample((position, noise, at, letter) =>
    {
        Assert.False(Position.TryRead(noise, "list", out _));

        var text = position.Write("list").ToCharArray();
        text[at % text.Length] = letter;
        // A changed letter is another position or none; never an exception.
        _ = Position.TryRead(new string(text), "list", out _);
        Assert.False(Position.TryRead(new string(text[1..]), "list", out _));
        Assert.False(Position.TryRead(' ' + new string(text[1..]), "list", out _));
    });
}
