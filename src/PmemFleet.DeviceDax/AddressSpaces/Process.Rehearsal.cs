using PmemFleet.DeviceDax.Files;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    /// <summary>What puts the process back to what it is now. Its mappings stay the same objects.</summary>
    internal Action Remember()
    {
        lock (_gate)
        {
            var (descriptors, signals, faultId, hasExited) = (_descriptors.ToArray(), _signals.ToArray(), _faultId, _hasExited);
            var files = descriptors.Select(pair => pair.Value).Concat(Memory.Mappings.Select(mapping => mapping.File).OfType<OpenFile>()).Distinct()
                .Select(file => file.Remember()).ToList();
            var (counters, memory) = (_counters.Remember(), Memory.Remember());
            return () =>
            {
                lock (_gate)
                {
                    _descriptors.Clear();
                    foreach (var (descriptor, file) in descriptors)
                    {
                        _descriptors.Add(descriptor, file);
                    }

                    _signals.Clear();
                    foreach (var signal in signals)
                    {
                        _signals.Enqueue(signal);
                    }

                    _faultId = faultId;
                    Volatile.Write(ref _hasExited, hasExited);
                    files.ForEach(undo => undo());
                    counters();
                    memory();
                }
            };
        }
    }
}
