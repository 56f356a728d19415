using PmemFleet.DeviceDax.Devices;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>The drivers of a host's dax devices beside the bus, as the Api's rows hold them: a device comes and goes with its namespace's bind.</summary>
internal sealed class ReplayDax(Bus bus)
{
    private readonly Dictionary<string, DaxBinding> _bindings = [];

    public DaxDeviceStates States => new(Now().ToDictionary(one => one.Name, one => new DaxDeviceState(
        one.Driver != DaxDriver.None, one.IsSystemRam, one.OnlineBlocks, one.WholeBlocks, (long)one.WholeRange.Start.Value, (long)one.WholeRange.Length.Value)));

    public DaxBinding? Find(string name) => Now().SingleOrDefault(one => one.Name == name);

    public void Set(DaxBinding binding) => _bindings[binding.Name] = binding;

    /// <summary>A namespace's bind has ended: its device goes, and the next one is new.</summary>
    public void Forget(string name)
    {
        if (bus.FindNamespace(name) is { } device)
        {
            _bindings.Remove(DaxctlList.CharDevice(device));
        }
    }

    /// <summary>The refusal of a namespace's unbind while its memory is online.</summary>
    public DeviceDax.Primitives.Refusal? RefuseUnbind(string name) =>
        bus.FindNamespace(name) is { } device ? Find(DaxctlList.CharDevice(device))?.RefuseUnbind() : null;

    public IReadOnlyList<DaxBinding> Now()
    {
        var bound = bus.Namespaces.Where(one => one is { IsEnabled: true, Claim: { Kind: PersonalityKind.Dax, Bound: BindOutcome.Pages } }).ToDictionary(DaxctlList.CharDevice);
        foreach (var gone in _bindings.Keys.Where(name => !bound.ContainsKey(name)).ToList())
        {
            _bindings.Remove(gone);
        }

        foreach (var (name, device) in bound.Where(one => !_bindings.ContainsKey(one.Key)).ToList())
        {
            var pages = (BindOutcome.Pages)device.Claim!.Bound!;
            var start = device.Start + pages.StartPad.Value + pages.DataOffset.Value;
            _bindings.Add(name, new DaxBinding(name, new(new((ulong)start), new((ulong)pages.Size.Value))));
        }

        return [.. _bindings.Values];
    }
}
