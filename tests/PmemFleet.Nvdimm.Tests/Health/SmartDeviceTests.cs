using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Health;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Health;

/// <summary>SMART values, inject-smart and their JSON (spec 60 section 10; recorded case n_nfit_test).</summary>
public sealed class SmartDeviceTests
{
    [Fact]
    public void Inject_RecordedSequence_ListsWhatNdctlListed()
    {
        var device = new SmartDevice { Own = SmartHealth.NfitTest };
        var steps = new (string Command, InjectSmartOptions? Options)[]
        {
            ("ndctl list -DH -d nmem0", null),
            ("ndctl inject-smart nmem0 --media-temperature=90", new() { MediaTemperature = 90 }),
            ("ndctl inject-smart nmem0 -s 5", new() { Spares = 5 }),
            ("ndctl inject-smart nmem0 --spares=5 --fatal --unsafe-shutdown", new() { Spares = 5, Fatal = true, UnsafeShutdown = true }),
            ("ndctl inject-smart nmem0 --uninject-all", new() { UninjectAll = true }),
        };
        foreach (var (command, options) in steps)
        {
            device = options is null ? device : device.Inject(options).Value;
            var recorded = GoldenVectors.Command("n_nfit_test", command)["stdout"];
            recorded = (recorded is JsonArray array ? array[0] : recorded)!["health"];
            var listed = HealthListing.Of(device.Current, device.Thresholds);
            Assert.Equal(((JsonObject)recorded!).Select(member => member.Key), listed.Select(member => member.Key));
            Assert.True(JsonNode.DeepEquals(recorded, JsonNode.Parse(listed.ToJsonString())), $"{command}: {listed.ToJsonString()}");
        }
    }

    [Fact]
    public void Inject_Conflicts_AreRefused()
    {
        var device = new SmartDevice();

        Assert.Equal(Errno.EINVAL, device.Inject(new InjectSmartOptions { Spares = 1, UninjectSpares = true }).Refusal?.Errno);
        Assert.Equal(Errno.EINVAL, device.Inject(new InjectSmartOptions { MediaTemperature = 1, UninjectMediaTemperature = true }).Refusal?.Errno);
        Assert.Equal(Errno.EINVAL, device.Inject(new InjectSmartOptions { Fatal = true, UninjectFatal = true }).Refusal?.Errno);
        Assert.Equal(Errno.EINVAL, device.Inject(new InjectSmartOptions { UnsafeShutdown = true, UninjectUnsafeShutdown = true }).Refusal?.Errno);
        Assert.Equal(Errno.EINVAL, device.Inject(new InjectSmartOptions { SparesAlarm = "maybe" }).Refusal?.Errno);
        Assert.Equal(Errno.ENXIO, device.Inject(new InjectSmartOptions { ControllerTemperature = 50 }).Refusal?.Errno);
    }

    [Fact]
    public void Inject_Alarms_AreSwitched()
    {
        var device = new SmartDevice().Inject(new InjectSmartOptions { SparesAlarm = "off", ControllerTemperatureAlarm = "on", ControllerTemperatureThreshold = 70 }).Value;

        Assert.Equal(SmartAlarms.MediaTemperature | SmartAlarms.ControllerTemperature, device.Thresholds.Enabled);
        var listed = HealthListing.Of(device.Current, device.Thresholds);
        Assert.Equal(70, (double)listed["controller_temperature_threshold"]!);
        Assert.False(listed.ContainsKey("spares_threshold"));
    }

    [Theory]
    [InlineData(75, 23, 25, SmartConditions.None, false, false)]
    [InlineData(5, 23, 25, SmartConditions.None, false, true)]
    [InlineData(6, 23, 25, SmartConditions.None, false, false)]
    [InlineData(75, 40, 25, SmartConditions.None, false, true)]
    [InlineData(75, 23, 99, SmartConditions.None, false, false)]
    [InlineData(75, 23, 25, SmartConditions.NonCritical, false, true)]
    [InlineData(75, 23, 25, SmartConditions.None, true, true)]
    public void IsEventDue_Values_FireAtTheThreshold(byte spares, double media, double controller, SmartConditions conditions, bool dirty, bool due) =>
        Assert.Equal(due, new SmartThresholds().IsEventDue(new SmartHealth { Spares = spares, MediaTemperature = media, ControllerTemperature = controller, Conditions = conditions, IsShutdownDirty = dirty }));

    [Fact]
    public void CyclePower_FlushFailed_CountsOnceWhereTheLatchWasSet()
    {
        var device = new SmartDevice();

        var dirty = device.CyclePower(isFlushed: false);
        Assert.Equal((43u, true), (dirty.Current.ShutdownCount, dirty.Current.IsShutdownDirty));
        Assert.Equal(43u, dirty.CyclePower(isFlushed: false).Current.ShutdownCount);
        Assert.Equal(44u, dirty.EnableShutdownLatch().CyclePower(isFlushed: false).Current.ShutdownCount);
        var clean = dirty.EnableShutdownLatch().CyclePower(isFlushed: true);
        Assert.Equal((43u, false), (clean.Current.ShutdownCount, clean.Current.IsShutdownDirty));
    }

    [Fact]
    public void ToBytes_AndBack_IsTheSame()
    {
        var health = SmartHealth.NfitTest with { MediaTemperature = -3.0625, IsShutdownDirty = true, ShutdownCount = 7 };
        var bytes = health.ToBytes();

        Assert.Equal(SmartHealth.SizeBytes, bytes.Length);
        Assert.Equal(health, SmartHealth.Read(bytes).Value);
        Assert.Equal((0x8031, 25 * 16), (BitConverter.ToUInt16(bytes, 16), BitConverter.ToUInt16(bytes, 18)));
        bytes[0] = 1;
        Assert.Equal(Errno.EIO, SmartHealth.Read(bytes).Refusal?.Errno);
    }

    [Fact]
    public void Of_MembersThatAreNotValid_AreAbsent()
    {
        var listed = HealthListing.Of(new SmartHealth { Valid = SmartFields.Health | SmartFields.ShutdownCount }, new SmartThresholds());

        Assert.Equal(["health_state", "shutdown_count"], listed.Select(member => member.Key));
        Assert.Equal("unknown", (string?)HealthListing.Of(null, new SmartThresholds())["health_state"]);
    }
}
