namespace PmemFleet.Benchmarks.Harness;

/// <summary>One group of figures, in a folder of its own. Add it to <see cref="BenchmarkGroups"/>.</summary>
internal abstract class BenchmarkGroup
{
    /// <summary>The name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>False while nobody has written it.</summary>
    public virtual bool IsWritten => true;

    /// <summary>Measures everything; tells what it is at through <paramref name="say"/>.</summary>
    public abstract Task<IReadOnlyList<Figure>> MeasureAsync(Action<string> say, CancellationToken token);
}

/// <summary>A group the design names and nobody has written yet.</summary>
internal sealed class UnwrittenGroup(string name) : BenchmarkGroup
{
    public override string Name => name;

    public override bool IsWritten => false;

    public override Task<IReadOnlyList<Figure>> MeasureAsync(Action<string> say, CancellationToken token) =>
        Task.FromResult<IReadOnlyList<Figure>>([]);
}
