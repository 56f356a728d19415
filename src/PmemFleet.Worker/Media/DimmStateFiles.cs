using System.Globalization;
using System.Text.Json;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Media;

/// <summary>
/// Where a DIMM's poison and counters are kept: one file for each epoch, so that a worker whose epoch is over can overwrite nothing of
/// its successor's, whenever it goes on. The file of the newest epoch counts.
/// </summary>
internal sealed class DimmStateFiles(string folder, Guid dimmId, MediaFence fence)
{
    private readonly string _own = Path.Combine(folder, $"{dimmId:N}.{fence.Epoch.ToString(CultureInfo.InvariantCulture)}.state");

    /// <summary>The newest state, and whether it is of a former epoch; null where there is none.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public DimmObservation? Read(out bool isFormer)
    {
        var newest = All().Where(file => file.Epoch <= fence.Epoch).DefaultIfEmpty().MaxBy(file => file.Epoch);
        isFormer = newest.Path is not null && newest.Epoch < fence.Epoch;
        return newest.Path is null || DurableFile.ReadWhole(newest.Path) is not { } bytes ? null
            : JsonSerializer.Deserialize(bytes, FleetJsonContext.Default.DimmObservation);
    }

    /// <summary>On return the state is on the disk.</summary>
    public void Write(DimmObservation state)
    {
        fence.Demand();
        DurableFile.Replace(_own, JsonSerializer.SerializeToUtf8Bytes(state, FleetJsonContext.Default.DimmObservation));
    }

    /// <summary>Former epochs mean nothing once this one has a state of its own.</summary>
    public void ForgetFormer()
    {
        foreach (var former in All().Where(file => file.Epoch < fence.Epoch).ToList())
        {
            File.Delete(former.Path);
        }
    }

    public void Remove()
    {
        foreach (var file in All().ToList())
        {
            File.Delete(file.Path);
        }
    }

    private IEnumerable<(string Path, long Epoch)> All()
    {
        foreach (var path in Directory.EnumerateFiles(folder, $"{dimmId:N}.*.state"))
        {
            var epoch = Path.GetFileName(path).AsSpan()[33..^".state".Length];
            if (long.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                yield return (path, number);
            }
        }
    }
}
