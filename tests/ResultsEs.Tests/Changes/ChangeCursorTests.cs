using CsCheck;
using ResultsEs.Changes;

namespace ResultsEs.Tests.Changes;

/// <summary>The text of cursors of the feed.</summary>
public sealed class ChangeCursorTests
{
    [Fact]
    public void What_is_written_is_read_and_nothing_else_is() =>
        Gen.Select(Gen.Long[0, long.MaxValue], Gen.Long[0, long.MaxValue], Gen.Int[0, 200], Gen.Char).Sample((position, begun, at, other) =>
        {
            var cursor = new ChangeCursor(position, begun);
            var text = cursor.Write("account");
            Assert.True(ChangeCursor.TryRead(text, "account", out var read));
            Assert.Equal(cursor, read);
            Assert.False(ChangeCursor.TryRead(text, "other", out _));
            Assert.False(ChangeCursor.TryRead(text + other, "account", out _));
            Assert.False(ChangeCursor.TryRead(text[..(at % text.Length)], "account", out _));
        });

    /// <summary>Cursors of the first form are for ever: this one is on somebody's disk.</summary>
    [Fact]
    public void A_cursor_of_the_first_form_is_read()
    {
        const string Kept = "AWLXCchaK-VMAAAAAAAAAAcAAAAAAAAACQ";
        Assert.Equal(Kept, new ChangeCursor(7, 9).Write("11111111-0000-4000-8000-000000000001"));
        Assert.True(ChangeCursor.TryRead(Kept, "11111111-0000-4000-8000-000000000001", out var cursor));
        Assert.Equal(new ChangeCursor(7, 9), cursor);
    }

    [Theory]
    [InlineData(0, 0, 100, true)]
    [InlineData(99, 0, 100, false)]
    [InlineData(100, 0, 100, true)]
    [InlineData(1, 99, 100, false)]
    [InlineData(1, 100, 100, true)]
    [InlineData(1, 0, 0, true)]
    public void A_reader_misses_a_removal_that_lies_behind_him_and_behind_his_begin(long position, long begun, long floor, bool isComplete) =>
        Assert.Equal(isComplete, new ChangeCursor(position, begun).IsComplete(floor));
}
