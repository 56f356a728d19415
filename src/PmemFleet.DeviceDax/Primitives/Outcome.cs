using System.Diagnostics.CodeAnalysis;

namespace PmemFleet.DeviceDax.Primitives;

/// <summary>A call's value, or the refusal it met.</summary>
/// <typeparam name="T">What the call gives when it is not refused.</typeparam>
public readonly struct Outcome<T>
    where T : notnull
{
    private readonly T? _value;

    private Outcome(T? value, Refusal? refusal) => (_value, Refusal) = (value, refusal);

    /// <summary>The refusal, or null.</summary>
    public Refusal? Refusal { get; }

    /// <summary>True when the call did what was asked.</summary>
    public bool IsOk => Refusal is null;

    /// <summary>The value; only where <see cref="IsOk"/>.</summary>
    /// <exception cref="InvalidOperationException">The call was refused: asking is a bug.</exception>
    public T Value => Refusal is null ? _value! : throw new InvalidOperationException($"refused: {Refusal}");

    /// <summary>True and the value, or false and the refusal.</summary>
    public bool TryGet([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out Refusal? refusal)
    {
        value = _value;
        refusal = Refusal;
        return refusal is null;
    }

#pragma warning disable CA2225 // the named alternatives would only repeat the type's name
    /// <summary>A value is a success.</summary>
    public static implicit operator Outcome<T>(T value) => new(value, null);

    /// <summary>A refusal is a failure.</summary>
    public static implicit operator Outcome<T>(Refusal refusal) => new(default, refusal);
#pragma warning restore CA2225
}

/// <summary>The value of a call that gives nothing but its success.</summary>
public readonly record struct Done;
