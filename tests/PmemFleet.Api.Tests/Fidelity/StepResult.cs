namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>What became of a recorded step: it agreed, it differed, or it was passed over for a reason.</summary>
/// <param name="Difference">What differed.</param>
/// <param name="PassedOver">Why the step cannot be typed through REST.</param>
internal sealed record StepResult(string? Difference, string? PassedOver)
{
    public static StepResult Agrees { get; } = new(null, null);

    public static StepResult Differs(string how) => new(how, null);

    public static StepResult Without(string reason) => new(null, reason);

    /// <summary>Agrees where both texts are the same.</summary>
    public static StepResult Compare(string expected, string actual) =>
        expected == actual ? Agrees : Differs($"expected {expected}\nbut was  {actual}");

    /// <summary>The first difference of both.</summary>
    public StepResult And(StepResult other) => Difference is not null || PassedOver is not null ? this : other;
}
