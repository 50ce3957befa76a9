namespace ResultsEs.Contracts;

/// <summary>A JSON number as it is spelled, without rounding.</summary>
internal readonly ref struct JsonNumber
{
    // Beyond what any member holds, and small enough for sums of them.
    private const int MaxExponent = 1_000_000_000;

    // The digits of the greatest decimal, 2^96 - 1.
    private const int MaxDigits = 29;
    private const int MaxScale = 28;

    private readonly bool _isNegative;
    private readonly ReadOnlySpan<byte> _whole;
    private readonly ReadOnlySpan<byte> _fraction;
    private readonly int _exponent;

    /// <summary>Takes a valid JSON number apart.</summary>
    public JsonNumber(ReadOnlySpan<byte> spelling)
    {
        _isNegative = spelling[0] == '-';
        var digits = spelling[(_isNegative ? 1 : 0)..];
        if (digits.IndexOfAny("eE"u8) is >= 0 and var e)
        {
            _exponent = ExponentOf(digits[(e + 1)..]);
            digits = digits[..e];
        }

        var point = digits.IndexOf((byte)'.');
        _whole = point < 0 ? digits : digits[..point];
        _fraction = point < 0 ? default : digits[(point + 1)..];
    }

    /// <summary>The characters of the number without an exponent, which is how <c>jsonb</c> writes it.</summary>
    public long PlainLength
    {
        get
        {
            var digits = _whole.Length + _fraction.Length;
            var zeros = 0;
            while (zeros < digits && DigitAt(zeros) == 0)
                zeros++;
            // Zero has no sign there.
            var isZero = zeros == digits;
            var before = isZero ? 1 : Math.Max(1, (long)_whole.Length + _exponent - zeros);
            var after = Math.Max(0, (long)_fraction.Length - _exponent);
            return (_isNegative && !isZero ? 1 : 0) + before + (after > 0 ? after + 1 : 0);
        }
    }

    /// <summary>True when nothing but zeros comes after the point, as in <c>1.0</c>, <c>1e0</c> and <c>10e-1</c>.</summary>
    public bool IsWhole
    {
        get
        {
            var digits = _whole.Length + _fraction.Length;
            for (var i = (int)Math.Clamp((long)_whole.Length + _exponent, 0, digits); i < digits; i++)
            {
                if (DigitAt(i) != 0)
                    return false;
            }

            return true;
        }
    }

    /// <summary>Reads the number as a decimal; false when a decimal cannot hold it exactly.</summary>
    public bool TryRead(out decimal value)
    {
        value = 0;
        var (digits, count, zeros) = ((UInt128)0, 0, 0);
        for (var i = 0; i < _whole.Length + _fraction.Length; i++)
        {
            var digit = DigitAt(i);
            if (digit == 0)
            {
                // Zeros count when another digit follows them.
                zeros += digits == 0 ? 0 : 1;
                continue;
            }

            if ((count += zeros + 1) > MaxDigits)
                return false;
            for (; zeros >= 0; zeros--)
                digits *= 10;
            digits += (uint)digit;
            zeros = 0;
        }

        if (digits == 0)
            return true;

        var exponent = (long)_exponent - _fraction.Length + zeros;
        for (; exponent > 0 && count <= MaxDigits; exponent--, count++)
            digits *= 10;
        if (count > MaxDigits || exponent < -MaxScale || digits >> 96 != 0)
            return false;

        value = new decimal((int)(uint)digits, (int)(uint)(digits >> 32), (int)(uint)(digits >> 64), _isNegative, (byte)-exponent);
        return true;
    }

    private int DigitAt(int i) => (i < _whole.Length ? _whole[i] : _fraction[i - _whole.Length]) - '0';

    private static int ExponentOf(ReadOnlySpan<byte> spelling)
    {
        var exponent = 0;
        foreach (var digit in spelling.TrimStart("+-"u8))
            exponent = Math.Min(MaxExponent, (int)Math.Min(int.MaxValue, (10L * exponent) + digit - '0'));
        return spelling[0] == '-' ? -exponent : exponent;
    }
}
