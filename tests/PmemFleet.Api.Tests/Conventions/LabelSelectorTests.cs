using PmemFleet.Api.Conventions;

namespace PmemFleet.Api.Tests.Conventions;

public sealed class LabelSelectorTests
{
    private static readonly Dictionary<string, string> Labels = new() { ["env"] = "prod", ["rack"] = "r1", ["empty"] = "", ["example.com/tier"] = "db" };

    [Theory]
    [InlineData("env=prod", true)]
    [InlineData("env==prod", true)]
    [InlineData("env = prod , rack = r1", true)]
    [InlineData("env!=prod", false)]
    [InlineData("nothing!=prod", true)]
    [InlineData("env in (dev, prod)", true)]
    [InlineData("env in (dev)", false)]
    [InlineData("env notin (dev)", true)]
    [InlineData("nothing notin (dev)", true)]
    [InlineData("env", true)]
    [InlineData("nothing", false)]
    [InlineData("!nothing", true)]
    [InlineData("!env", false)]
    [InlineData("empty=", true)]
    [InlineData("example.com/tier=db,!nothing,rack in (r1,r2)", true)]
    public void Matches_EachForm_AsKubernetesDoes(string selector, bool expected) =>
        Assert.Equal(expected, LabelSelector.Parse(selector, null).Matches(Labels));

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("env=prod,")]
    [InlineData("=prod")]
    [InlineData("env in prod")]
    [InlineData("env in (prod")]
    [InlineData("env=a b")]
    [InlineData("env=-a")]
    [InlineData("-env")]
    [InlineData("env>1")]
    [InlineData("!env=prod")]
    [InlineData("a/b/c=d")]
    public void TryParse_NoSelector_IsRefused(string selector) => Assert.False(LabelSelector.TryParse(selector, null, out _));
}
